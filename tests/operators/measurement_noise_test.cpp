// y = A x + σ z, keyed by image.

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "operators/identity.h"
#include "operators/inpainting.h"
#include "operators/measurement_noise.h"
#include "tests/operators/operator_list.h"

namespace {

using operators::measure;
using operators::NoiseStream;

const operators::Shape image{3, 16, 16};
const std::vector<std::uint64_t> some_images{7, 3, 12, 5};

std::shared_ptr<const operators::MeasurementOperator> half_mask() {
    at::Tensor mask = at::ones({1, 1, 16, 16});
    mask.narrow(3, 0, 8).zero_();
    return std::make_shared<operators::Inpainting>("mask", mask, image);
}

TEST(Measure, AddsSigmaTimesTheKeyedNormals) {
    const at::Tensor x = test_operators::values(image, 1).to(at::kFloat);
    const auto A = half_mask();
    const NoiseStream noise(4);
    const at::Tensor z = noise.normal({.purpose = operators::Purpose::measurement}, some_images, image);
    const operators::Measurement measured = measure(A, x, 0.05, noise, some_images, true);
    EXPECT_LE((measured.y - A->forward(x) - 0.05 * z).abs().max().item<double>(), 1e-6);
    EXPECT_EQ(measured.y.scalar_type(), at::kFloat);
    EXPECT_EQ(measured.A, A);
    EXPECT_EQ(measured.sigma_y, 0.05);
}

TEST(Measure, LeavesUnobservedEntriesZeroWhereAsked) {
    const at::Tensor x = test_operators::values(image, 1).to(at::kFloat);
    const NoiseStream noise(4);
    const at::Tensor y = measure(half_mask(), x, 0.05, noise, some_images, false).y;
    const at::Tensor everywhere = measure(half_mask(), x, 0.05, noise, some_images, true).y;
    EXPECT_EQ(y.narrow(3, 0, 8).abs().max().item<double>(), 0);
    EXPECT_GT(everywhere.narrow(3, 0, 8).abs().min().item<double>(), 0);
    EXPECT_TRUE(y.narrow(3, 8, 8).equal(everywhere.narrow(3, 8, 8)));
}

TEST(Measure, NoiseFollowsTheImageWhateverTheBlock) {
    const at::Tensor x = at::zeros({4, 3, 16, 16});
    const auto A = std::make_shared<operators::Identity>(image);
    const NoiseStream noise(4);
    const at::Tensor block = measure(A, x, 0.1, noise, some_images, true).y;
    const at::Tensor alone = measure(A, x.narrow(0, 0, 1), 0.1, noise, std::vector<std::uint64_t>{12}, true).y;
    EXPECT_TRUE(alone[0].equal(block[2]));
    EXPECT_FALSE(block[0].equal(block[1]));
}

TEST(Measure, WithoutNoiseIsTheOperator) {
    const at::Tensor x = test_operators::values(image, 1).to(at::kFloat);
    const auto A = half_mask();
    EXPECT_TRUE(measure(A, x, 0, NoiseStream(4), some_images, true).y.equal(A->forward(x)));
}

TEST(Measure, LeavesTheImageAsItWas) {
    const at::Tensor x = test_operators::values(image, 1).to(at::kFloat);
    const at::Tensor before = x.clone();
    measure(std::make_shared<operators::Identity>(image), x, 0.5, NoiseStream(4), some_images, true);
    EXPECT_TRUE(x.equal(before));
}

TEST(Measure, BadSigmaAndWrongNumberOfImagesAreRefused) {
    const at::Tensor x = at::zeros({4, 3, 16, 16});
    const auto call = [&](double sigma, const std::vector<std::uint64_t>& images) {
        return [&x, sigma, images] { measure(half_mask(), x, sigma, NoiseStream(1), images, true); };
    };
    EXPECT_THROW(call(-0.1, some_images)(), std::invalid_argument);
    EXPECT_THROW(call(std::nan(""), some_images)(), std::invalid_argument);
    EXPECT_THROW(call(std::numeric_limits<double>::infinity(), some_images)(), std::invalid_argument);
    EXPECT_THAT(call(0.1, {1, 2}), testing::ThrowsMessage<std::invalid_argument>(
                                       "measure: x has shape [4, 3, 16, 16], expected one row for each of 2 images"));
}

TEST(NoisyEntries, CountWhatCarriesNoise) {
    const auto A = half_mask();
    EXPECT_TRUE(operators::noisy_entries(*A, 2, true).equal(at::tensor({768, 768}, at::kLong)));
    EXPECT_TRUE(operators::noisy_entries(*A, 2, false).equal(at::tensor({384, 384}, at::kLong)));
    EXPECT_TRUE(operators::noisy_entries(operators::Identity(image), 1, false).equal(at::tensor({768}, at::kLong)));

    at::Tensor masks = at::ones({2, 1, 16, 16});
    masks.narrow(0, 1, 1).narrow(2, 0, 3).zero_();
    const operators::Inpainting own("mask", masks, image);
    EXPECT_TRUE(operators::noisy_entries(own, 2, false).equal(at::tensor({768, 3 * (256 - 48)}, at::kLong)));
    EXPECT_THROW(operators::noisy_entries(own, 3, false), std::invalid_argument);
}

}  // namespace
