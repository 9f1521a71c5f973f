// Against the field's reference implementation: kernels, A x and A* v.

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/flip.h>
#include <ATen/ops/zeros_like.h>

#include "operators/gaussian_blur.h"
#include "operators/make_operator.h"
#include "operators/super_resolution.h"
#include "pipeline/data/hdf5.h"
#include "tests/support/paths.h"

namespace {

struct GoldenCase {
    std::string group;
    std::string operator_name;
    std::string parameter;
};

const pipeline::Hdf5File& golden() {
    static const pipeline::Hdf5File file = pipeline::Hdf5File::open(test_support::golden_folder() / "operators.h5");
    return file;
}

class GoldenOperator : public testing::TestWithParam<GoldenCase> {
  protected:
    const at::Tensor x = golden().read("shared/x");
    const at::Tensor v = golden().read("shared/v");
    const at::Tensor Ax = golden().read(GetParam().group + "/Ax");
    const at::Tensor ATv = golden().read(GetParam().group + "/ATv");

    // The operator with its stored parameter.
    std::unique_ptr<operators::MeasurementOperator> made(const at::Tensor& parameter) const {
        const operators::OperatorEntry& entry = operators::find_operator(GetParam().operator_name);
        return entry.make(operators::Settings::defaults(entry.options), {3, 64, 64},
                          {{GetParam().parameter, parameter}});
    }
    at::Tensor parameter() const { return golden().read(GetParam().group + "/" + GetParam().parameter); }
};

double largest_entry(const at::Tensor& a) {
    return a.abs().max().item<double>();
}

TEST_P(GoldenOperator, ForwardAgrees) {
    EXPECT_LE(largest_entry(made(parameter())->forward(x) - Ax), 1e-5);
}

TEST_P(GoldenOperator, VjpAgrees) {
    EXPECT_LE(largest_entry(made(parameter())->vjp(x, v) - ATv), 5e-5);
}

TEST_P(GoldenOperator, DotTestInDouble) {
    const auto A = made(parameter());
    const at::Tensor x_double = x.to(at::kDouble);
    const at::Tensor v_double = v.to(at::kDouble);
    const double left = (A->forward(x_double) * v_double).sum().item<double>();
    const double right = (x_double * A->vjp(x_double, v_double)).sum().item<double>();
    EXPECT_LE(std::abs(left - right), 1e-12 * std::abs(left));
}

INSTANTIATE_TEST_SUITE_P(References, GoldenOperator,
                         testing::Values(GoldenCase{"inpainting_box", "box", "mask"},
                                         GoldenCase{"inpainting_random_0.5", "random", "mask"},
                                         GoldenCase{"inpainting_random_0.92", "mask", "mask"},
                                         GoldenCase{"gaussian_blur_61_3", "gaussian_blur", "kernel"},
                                         GoldenCase{"gaussian_blur_9_1.5", "gaussian_blur", "kernel"},
                                         GoldenCase{"motion_blur", "kernel", "kernel"},
                                         GoldenCase{"motion_blur_small", "kernel", "kernel"}),
                         [](const auto& test) {
                             std::string name = test.param.group;
                             for (char& letter : name) letter = letter == '.' ? '_' : letter;
                             return name;
                         });

TEST(GoldenSuperResolution, ForwardAdjointAndDotTestAgree) {
    for (const std::string kind : {"bicubic", "average"}) {
        for (const std::int64_t factor : {2, 4}) {
            operators::Settings settings;
            settings.set("factor", factor);
            settings.set("kind", kind);
            const auto A = operators::find_operator("super_resolution").make(settings, {3, 64, 64}, {});
            const std::string group = "super_resolution_" + kind + "_x" + std::to_string(factor) + "/";
            const at::Tensor x = golden().read("shared/x"), v = golden().read(group + "v");
            EXPECT_LE(largest_entry(A->forward(x) - golden().read(group + "Ax")), 1e-5) << group;
            EXPECT_LE(largest_entry(A->vjp(x, v) - golden().read(group + "ATv")), 5e-5) << group;
            const double left = (A->forward(x.to(at::kDouble)) * v.to(at::kDouble)).sum().item<double>();
            const double right =
                (x.to(at::kDouble) * A->vjp(x.to(at::kDouble), v.to(at::kDouble))).sum().item<double>();
            EXPECT_LE(std::abs(left - right), 1e-12 * std::abs(left)) << group;
        }
    }
}

TEST(GoldenSuperResolution, WeightsAreTheReferences) {
    for (const std::int64_t factor : {2, 4}) {
        const std::string group = "super_resolution_bicubic_x" + std::to_string(factor) + "/";
        const at::Tensor ours = operators::downscaling_weights(64, {.factor = factor});
        const at::Tensor places = golden().read(group + "field_of_view_dim2");  // [taps, 64/factor]
        const at::Tensor weights = golden().read(group + "weights_dim2").to(at::kDouble);
        at::Tensor theirs = at::zeros_like(ours);
        for (std::int64_t i = 0; i < ours.size(0); ++i) {
            for (std::int64_t tap = 0; tap < places.size(0); ++tap) {
                theirs[i][places[tap][i].item<std::int64_t>()] += weights[tap][i];
            }
        }
        EXPECT_LE(largest_entry(ours - theirs), 1e-7) << group;
    }
}

TEST(GoldenKernel, OursIsTheReferencesToTheLastBit) {
    EXPECT_TRUE(operators::gaussian_kernel(61, 3.0).equal(golden().read("gaussian_blur_61_3/kernel")));
    EXPECT_TRUE(operators::gaussian_kernel(9, 1.5).equal(golden().read("gaussian_blur_9_1.5/kernel")));
}

TEST(GoldenKernel, AFlippedMotionKernelIsNoticed) {
    const at::Tensor kernel = golden().read("motion_blur_small/kernel");
    const auto A = operators::find_operator("kernel").make({}, {3, 64, 64}, {{"kernel", at::flip(kernel, {0, 1})}});
    EXPECT_GT(largest_entry(A->forward(golden().read("shared/x")) - golden().read("motion_blur_small/Ax")), 1e-2);
}

TEST(GoldenRandom, CountsAreTheReferences) {
    for (const auto& [group, fraction] : {std::pair{"inpainting_random_0.5", 0.5}, {"inpainting_random_0.92", 0.92}}) {
        operators::Settings settings;
        settings.set("fraction", fraction);
        const at::Tensor ours =
            operators::find_operator("random")
                .draw(settings, {3, 64, 64}, operators::NoiseStream(1), std::vector<std::uint64_t>{0})
                .at("mask");
        const at::Tensor theirs = golden().read(std::string(group) + "/mask");
        EXPECT_EQ(ours.sum().item<double>(), theirs.sum().item<double>()) << group;
    }
}

}  // namespace
