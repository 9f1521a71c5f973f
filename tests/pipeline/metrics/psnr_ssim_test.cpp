#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>

#include "pipeline/metrics/psnr.h"
#include "pipeline/metrics/ssim.h"
#include "tests/pipeline/metrics/golden_pairs.h"

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

using Metric = std::vector<double> (*)(const at::Tensor&, const at::Tensor&);

}  // namespace

TEST(Psnr, GoldenPairs) {
    const auto file = test_support::golden_metrics();
    for (const auto& pair : test_support::golden_pairs(file)) {
        const double expected = test_support::stored_number(file, pair, "psnr");
        const double psnr = pipeline::psnr(pair.restored, pair.reference).at(0);
        if (std::isinf(expected)) {
            EXPECT_EQ(psnr, infinity) << pair.name;
        } else {
            EXPECT_NEAR(psnr, expected, 1e-4) << pair.name;
        }
    }
}

TEST(Ssim, GoldenPairs) {
    const auto file = test_support::golden_metrics();
    for (const auto& pair : test_support::golden_pairs(file)) {
        EXPECT_NEAR(pipeline::ssim(pair.restored, pair.reference).at(0),
                    test_support::stored_number(file, pair, "ssim"), 1e-5)
            << pair.name;
    }
}

TEST(Psnr, PublishedCameraVector) {
    const at::Tensor reference = test_support::test_image("ssim", "camera.png");
    const at::Tensor noisy = test_support::test_image("ssim", "camera_noisy.png");
    ASSERT_EQ(reference.size(1), 1);
    EXPECT_NEAR(pipeline::psnr(noisy, reference).at(0), 22.4094, 5e-5);
    EXPECT_NEAR(pipeline::ssim(noisy, reference).at(0), 0.35796, 1e-5);
}

TEST(Psnr, ConstantDifferenceByHand) {
    // 0.2 on [−1, 1] is 0.1 on [0, 1]: mse 0.01, 20 dB
    const at::Tensor black = at::full({2, 3, 4, 5}, -0.9, at::kDouble);
    EXPECT_THAT(pipeline::psnr(black + 0.2, black), testing::Each(testing::DoubleNear(20.0, 1e-10)));
}

TEST(Psnr, IdenticalImagesAreInfinitelyAlike) {
    const at::Tensor image = test_support::test_image("ssim", "camera.png");
    EXPECT_EQ(pipeline::psnr(image, image).at(0), infinity);
    EXPECT_NEAR(pipeline::ssim(image, image).at(0), 1.0, 1e-12);
}

TEST(Psnr, WhatLeavesTheRangeIsClamped) {
    const at::Tensor white = at::full({1, 1, 16, 16}, 1.0F);
    EXPECT_EQ(pipeline::psnr(white * 7, white).at(0), infinity);
    EXPECT_NEAR(pipeline::ssim(white * 7, white).at(0), 1.0, 1e-12);
}

TEST(Psnr, EveryImageIsScoredAlone) {
    const auto file = test_support::golden_metrics();
    std::vector<at::Tensor> restored, reference;
    std::vector<double> psnr, ssim;
    for (const auto& pair : test_support::golden_pairs(file)) {
        if (pair.restored.size(3) != 64) continue;
        restored.push_back(pair.restored);
        reference.push_back(pair.reference);
        psnr.push_back(pipeline::psnr(pair.restored, pair.reference).at(0));
        ssim.push_back(pipeline::ssim(pair.restored, pair.reference).at(0));
    }
    ASSERT_GT(psnr.size(), 3u);
    EXPECT_EQ(pipeline::psnr(at::cat(restored), at::cat(reference)), psnr);
    EXPECT_EQ(pipeline::ssim(at::cat(restored), at::cat(reference)), ssim);
}

class ImageMetric : public testing::TestWithParam<Metric> {};

TEST_P(ImageMetric, RowsThatAreNotFiniteAreNan) {
    const at::Tensor reference = at::zeros({3, 1, 16, 16});
    for (const double value : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity}) {
        at::Tensor restored = reference + 0.1;
        restored[1][0][5][6] = value;
        const std::vector<double> scores = GetParam()(restored, reference);
        EXPECT_TRUE(std::isnan(scores.at(1))) << value;
        EXPECT_TRUE(std::isfinite(scores.at(0)) && std::isfinite(scores.at(2))) << value;
    }
}

TEST_P(ImageMetric, OtherShapesAreRefusedWithBoth) {
    const at::Tensor image = at::zeros({2, 3, 16, 16});
    EXPECT_THROW(GetParam()(image, at::zeros({1, 3, 16, 16})), std::invalid_argument);
    EXPECT_THROW(GetParam()(image[0], image[0]), std::invalid_argument);
    try {
        GetParam()(image, at::zeros({2, 3, 16, 12}));
        FAIL() << "accepted";
    } catch (const std::invalid_argument& error) {
        EXPECT_THAT(error.what(),
                    testing::AllOf(testing::HasSubstr("[2, 3, 16, 16]"), testing::HasSubstr("[2, 3, 16, 12]")));
    }
}

INSTANTIATE_TEST_SUITE_P(All, ImageMetric, testing::Values(&pipeline::psnr, &pipeline::ssim));

TEST(Ssim, WindowMustFit) {
    const at::Tensor narrow = at::zeros({1, 3, 32, 10});
    EXPECT_THROW(pipeline::ssim(narrow, narrow), std::invalid_argument);
    const at::Tensor fits = at::zeros({1, 3, 32, 11});
    EXPECT_NEAR(pipeline::ssim(fits, fits).at(0), 1.0, 1e-12);
}

TEST(PsnrUnobserved, CountsWhatWasRemovedAlone) {
    at::Tensor truth = at::zeros({2, 3, 4, 4});
    at::Tensor restored = at::zeros({2, 3, 4, 4});
    at::Tensor observed = at::ones({2, 1, 4, 4});
    observed[0][0][1][2] = 0;
    restored[0][0][1][2] = 0.6F;  // 0.3 on [0, 1], in one of three channels
    restored[0][1][0][0] = 1.0F;  // observed: does not count
    const std::vector<double> values = pipeline::psnr_unobserved(restored, truth, observed);
    EXPECT_NEAR(values[0], -10 * std::log10(0.09 / 3), 1e-5);
    EXPECT_TRUE(std::isnan(values[1])) << "nothing was removed";
    const std::vector<double> undefined = pipeline::psnr_unobserved(restored, truth, {});
    EXPECT_TRUE(std::isnan(undefined[0]) && std::isnan(undefined[1]));
    // Where all is removed it is PSNR
    const at::Tensor noise = at::rand({2, 3, 4, 4});
    EXPECT_EQ(pipeline::psnr_unobserved(noise, truth, at::zeros({1, 1, 4, 4})), pipeline::psnr(noise, truth));
}
