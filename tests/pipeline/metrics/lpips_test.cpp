#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include "pipeline/metrics/lpips.h"
#include "pipeline/networks/safetensors.h"
#include "tests/pipeline/metrics/golden_pairs.h"

namespace {

using testing::HasSubstr;

std::filesystem::path squeeze_file() {
    return test_support::source_folder() / "tests/data/lpips/lpips_squeeze_v0.1_fp16.safetensors";
}

double lpips_of(const pipeline::Lpips& lpips, const std::string& restored) {
    return lpips(test_support::test_image("lpips", restored), test_support::test_image("lpips", "ex_ref.png")).at(0);
}

std::string refusal_of(const pipeline::TensorMap& tensors) {
    try {
        pipeline::Lpips::from_tensors(tensors, "lpips.safetensors");
    } catch (const pipeline::CheckpointError& error) {
        return error.what();
    }
    return "accepted";
}

}  // namespace

TEST(Lpips, EmbeddedAlexGivesThePublishedVector) {
    const pipeline::Lpips lpips = pipeline::Lpips::embedded();
    EXPECT_EQ(lpips.net(), "alex");
    EXPECT_NEAR(lpips_of(lpips, "ex_p0.png"), 0.721888, 1e-5);
    EXPECT_NEAR(lpips_of(lpips, "ex_p1.png"), 0.137560, 1e-5);
}

TEST(Lpips, SqueezeFromFileGivesThePublishedVector) {
    const pipeline::Lpips lpips = pipeline::Lpips::from_file(squeeze_file());
    EXPECT_EQ(lpips.net(), "squeeze");
    EXPECT_NEAR(lpips_of(lpips, "ex_p0.png"), 0.711211, 1e-5);
    EXPECT_NEAR(lpips_of(lpips, "ex_p1.png"), 0.147935, 1e-5);
}

TEST(Lpips, SqueezeGoldenPairs) {
    const pipeline::Lpips lpips = pipeline::Lpips::from_file(squeeze_file());
    const auto file = test_support::golden_metrics();
    for (const auto& pair : test_support::golden_pairs(file)) {
        EXPECT_NEAR(lpips(pair.restored, pair.reference).at(0),
                    test_support::stored_number(file, pair, "lpips_squeeze"), 1e-5)
            << pair.name;
    }
}

TEST(Lpips, EveryImageIsScoredAlone) {
    const pipeline::Lpips lpips = pipeline::Lpips::embedded();
    const at::Tensor reference = test_support::test_image("lpips", "ex_ref.png");
    const at::Tensor p0 = test_support::test_image("lpips", "ex_p0.png");
    const at::Tensor p1 = test_support::test_image("lpips", "ex_p1.png");
    const auto together = lpips(at::cat({p0, p1, reference}), at::cat({reference, reference, reference}));
    EXPECT_NEAR(together.at(0), lpips(p0, reference).at(0), 1e-6);
    EXPECT_NEAR(together.at(1), lpips(p1, reference).at(0), 1e-6);
    EXPECT_EQ(together.at(2), 0.0);
}

TEST(Lpips, GreyIsThreeEqualChannels) {
    const pipeline::Lpips lpips = pipeline::Lpips::embedded();
    const at::Tensor grey = test_support::test_image("lpips", "ex_p0.png").narrow(1, 0, 1);
    const at::Tensor other = test_support::test_image("lpips", "ex_ref.png").narrow(1, 0, 1);
    const auto repeated = lpips(grey.repeat({1, 3, 1, 1}), other.repeat({1, 3, 1, 1}));
    EXPECT_EQ(lpips(grey, other), repeated);
    EXPECT_GT(repeated.at(0), 0.01);
}

TEST(Lpips, WhatLeavesTheRangeIsClamped) {
    const pipeline::Lpips lpips = pipeline::Lpips::embedded();
    const at::Tensor reference = test_support::test_image("lpips", "ex_ref.png");
    const at::Tensor restored = 3 * reference;
    EXPECT_EQ(lpips(restored, reference), lpips(restored.clamp(-1, 1), reference));
}

TEST(Lpips, RowsThatAreNotFiniteAreNan) {
    const pipeline::Lpips lpips = pipeline::Lpips::from_file(squeeze_file());
    const at::Tensor reference = at::zeros({2, 3, 32, 40});
    for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        at::Tensor restored = reference + 0.1;
        restored[1][2][5][6] = value;
        const auto scores = lpips(restored, reference);
        EXPECT_TRUE(std::isfinite(scores.at(0)));
        EXPECT_TRUE(std::isnan(scores.at(1)));
    }
}

TEST(Lpips, SmallestImageIsTakenAndASmallerOneRefused) {
    for (const auto* net : {"alex", "squeeze"}) {
        const pipeline::Lpips lpips =
            net == std::string("alex") ? pipeline::Lpips::embedded() : pipeline::Lpips::from_file(squeeze_file());
        const int side = lpips.minimum_size();
        const at::Tensor smallest = at::full({1, 3, side, side}, 0.5F);
        EXPECT_GT(lpips(smallest, -smallest).at(0), 0.0) << net;
        const at::Tensor smaller = smallest.narrow(3, 0, side - 1).contiguous();
        EXPECT_THROW(lpips(smaller, smaller), std::invalid_argument) << net;
    }
    EXPECT_EQ(pipeline::Lpips::embedded().minimum_size(), 31);
}

TEST(Lpips, OtherShapesAreRefused) {
    const pipeline::Lpips lpips = pipeline::Lpips::embedded();
    const at::Tensor image = at::zeros({1, 3, 64, 64});
    EXPECT_THROW(lpips(image, at::zeros({1, 3, 64, 60})), std::invalid_argument);
    const at::Tensor two_channels = at::zeros({1, 2, 64, 64});
    EXPECT_THROW(lpips(two_channels, two_channels), std::invalid_argument);
}

TEST(Lpips, WeightsAreCheckedStrictly) {
    const pipeline::TensorMap good = pipeline::read_safetensors(squeeze_file());
    pipeline::TensorMap tensors = good;
    tensors.erase("features.7.expand3x3.bias");
    tensors["classifier.1.weight"] = at::zeros({10});
    EXPECT_THAT(refusal_of(tensors),
                testing::AllOf(HasSubstr("lpips.safetensors"), HasSubstr("features.7.expand3x3.bias"),
                               HasSubstr("classifier.1.weight")));
    tensors = good;
    tensors["lin2.model.1.weight"] = at::zeros({1, 64, 1, 1});
    EXPECT_THAT(refusal_of(tensors), HasSubstr("lin2.model.1.weight"));
    tensors = good;
    tensors["features.0.bias"] = at::full({64}, std::numeric_limits<float>::infinity());
    EXPECT_THAT(refusal_of(tensors), HasSubstr("features.0.bias"));
    EXPECT_THAT(refusal_of({{"conv_in.weight", at::zeros({4})}}), HasSubstr("alex, squeeze and vgg"));
}

TEST(Lpips, PrecisionOfTheFileDoesNotMatter) {
    pipeline::TensorMap tensors = pipeline::read_safetensors(squeeze_file());
    for (auto& [name, tensor] : tensors) tensor = tensor.to(at::kDouble);
    const auto wide = pipeline::Lpips::from_tensors(tensors, "float64");
    EXPECT_EQ(lpips_of(wide, "ex_p0.png"), lpips_of(pipeline::Lpips::from_file(squeeze_file()), "ex_p0.png"));
}
