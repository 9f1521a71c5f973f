#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include <torch/csrc/autograd/autograd.h>

#include <ATen/TensorOperators.h>

#include "pipeline/data/hdf5.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/safetensors.h"
#include "pipeline/networks/unet.h"
#include "tests/support/paths.h"

namespace {

/// Relative L2 distance of the worst row.
double worst_row(const at::Tensor& actual, const at::Tensor& expected) {
    const at::Tensor difference = (actual.to(at::kDouble) - expected.to(at::kDouble)).flatten(1).norm(2, 1);
    return (difference / expected.to(at::kDouble).flatten(1).norm(2, 1)).max().item<double>();
}

}  // namespace

/// A network of the golden set with what it was given and gave.
struct GoldenNetwork : testing::TestWithParam<const char*> {
    std::string name = GetParam();
    pipeline::Hdf5File file = pipeline::Hdf5File::open(test_support::golden_folder() / "networks.h5");
    pipeline::ModelDescription description =
        pipeline::describe_model(test_support::golden_folder() / "weights" / (name + ".safetensors"));

    pipeline::UNet network(at::ScalarType precision) const {
        return {description.network, pipeline::read_safetensors(description.weights_file), precision};
    }
    at::Tensor stored(const std::string& what) const { return file.read(name + "/" + what); }
    at::Tensor labels() const { return file.has(name + "/y") ? stored("y") : at::Tensor(); }
};

TEST_P(GoldenNetwork, OutputAndGradientAreTheReferences) {
    const pipeline::UNet unet = network(at::kFloat);
    const at::Tensor x = stored("x").requires_grad_(true);
    const at::Tensor out = unet.forward(x, stored("t"), labels());
    const at::Tensor vjp = torch::autograd::grad({out}, {x}, {stored("g")}).at(0);
    const double out_error = worst_row(out.detach(), stored("out"));
    const double vjp_error = worst_row(vjp, stored("vjp"));
    std::printf("%s: out %.2g, vjp %.2g\n", name.c_str(), out_error, vjp_error);
    EXPECT_LT(out_error, 2e-5);
    EXPECT_LT(vjp_error, 3e-5);
}

TEST_P(GoldenNetwork, WithoutGraphTheOutputIsTheSame) {
    const pipeline::UNet unet = network(at::kFloat);
    const at::Tensor x = stored("x");
    const at::Tensor plain = unet.forward(x, stored("t"), labels());
    const at::Tensor recorded = unet.forward(x.detach().requires_grad_(true), stored("t"), labels()).detach();
    EXPECT_EQ((plain - recorded).abs().max().item<float>(), 0.0F);
}

TEST_P(GoldenNetwork, InFloat64TheReferenceIsMetToRounding) {
    if (!file.has(name + "/out_f64")) {
        // Only one network has float64 values stored; the others must agree with themselves across precisions.
        const at::Tensor wide = network(at::kDouble).forward(stored("x").to(at::kDouble), stored("t"), labels());
        EXPECT_LT(worst_row(stored("out"), wide), 2e-5);
        return;
    }
    const pipeline::UNet unet = network(at::kDouble);
    const at::Tensor x = stored("x").narrow(0, 0, 1).to(at::kDouble).requires_grad_(true);
    const at::Tensor out = unet.forward(x, stored("t").narrow(0, 0, 1));
    const at::Tensor vjp = torch::autograd::grad({out}, {x}, {stored("g").narrow(0, 0, 1).to(at::kDouble)}).at(0);
    const double out_error = worst_row(out.detach(), stored("out_f64"));
    const double vjp_error = worst_row(vjp, stored("vjp_f64"));
    std::printf("%s float64: out %.2g, vjp %.2g\n", name.c_str(), out_error, vjp_error);
    EXPECT_LT(out_error, 1e-9);
    EXPECT_LT(vjp_error, 1e-9);
}

INSTANTIATE_TEST_SUITE_P(GuidedDiffusion, GoldenNetwork, testing::Values("gd_a", "gd_b", "gd_e"),
                         [](const auto& info) { return std::string(info.param); });

TEST(TimestepEmbedding, IsTheReferences) {
    const auto file = pipeline::Hdf5File::open(test_support::golden_folder() / "networks.h5");
    const at::Tensor t = file.read("timestep_embedding/t");
    const at::Tensor expected = file.read("timestep_embedding/guided_diffusion_32");
    const double error = (pipeline::timestep_embedding(t, 32) - expected).abs().max().item<double>();
    std::printf("timestep embedding: %.2g\n", error);
    EXPECT_LT(error, 1e-6);
    // All in float64 is another function, by the rounding of the frequencies and of their products.
    const at::Tensor wide = pipeline::timestep_embedding(t.to(at::kDouble), 32, at::kDouble);
    const double wide_error =
        (wide - file.read("timestep_embedding/guided_diffusion_32_f64")).abs().max().item<double>();
    EXPECT_LT(wide_error, 1e-4);
}
