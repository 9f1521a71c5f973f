#include "operators/cropped.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <memory>

#include "operators/blur.h"
#include "operators/identity.h"
#include "operators/inpainting.h"
#include "operators/noise_estimate.h"
#include "operators/noise_stream.h"

// Photos of sides that no network takes, and noise that nobody has told.

namespace {

using operators::Cropped;
using operators::Shape;

constexpr Shape photo{3, 5, 7}, padded{3, 8, 8};

at::Tensor drawn_values(const Shape& shape, std::uint64_t seed, std::int64_t count = 2) {
    std::vector<std::uint64_t> images;
    for (std::int64_t i = 0; i < count; ++i) images.push_back(static_cast<std::uint64_t>(i));
    return operators::NoiseStream(seed).normal({.purpose = operators::Purpose::start}, images, shape, at::kCPU);
}

at::Tensor drawn_mask(std::int64_t count) {
    return (drawn_values({1, photo.height, photo.width}, 9, count) > 0).to(at::kFloat);
}

std::vector<std::shared_ptr<const operators::MeasurementOperator>> inner_operators() {
    const at::Tensor kernel = drawn_values({1, 3, 3}, 5, 1)[0][0];
    return {std::make_shared<operators::Identity>(photo),
            std::make_shared<operators::Inpainting>("mask", drawn_mask(2), photo),
            std::make_shared<operators::Blur>("kernel", kernel, photo)};
}

}  // namespace

TEST(Cropped, IsTheOperatorOnThePartThatWasMeasured) {
    for (const auto& inner : inner_operators()) {
        const Cropped A(inner, padded);
        const at::Tensor x = drawn_values(padded, 1);
        const at::Tensor part = x.narrow(2, 0, photo.height).narrow(3, 0, photo.width).contiguous();
        EXPECT_TRUE(A.forward(x).equal(inner->forward(part))) << A.name();
        EXPECT_EQ(A.y_shape(), inner->y_shape());
        EXPECT_EQ(A.x_shape(), padded);
    }
}

TEST(Cropped, VjpIsTheTransposeOfForward) {
    for (const auto& inner : inner_operators()) {
        const Cropped A(inner, padded);
        const at::Tensor x = drawn_values(padded, 1).to(at::kDouble), v = drawn_values(A.y_shape(), 2).to(at::kDouble);
        const double left = (A.forward(x) * v).sum().item<double>();
        const double right = (x * A.vjp(x, v)).sum().item<double>();
        EXPECT_NEAR(left, right, 1e-10 * std::max(1.0, std::abs(left))) << A.name();
    }
}

TEST(Cropped, PixelsOutsideThePhotoPullAtNothing) {
    for (const auto& inner : inner_operators()) {
        const Cropped A(inner, padded);
        at::Tensor x = drawn_values(padded, 1), other = x.clone();
        other.narrow(2, photo.height, padded.height - photo.height).fill_(100);
        other.narrow(3, photo.width, padded.width - photo.width).fill_(-100);
        EXPECT_TRUE(A.forward(x).equal(A.forward(other))) << A.name();
        const at::Tensor gradient = A.vjp(other, drawn_values(A.y_shape(), 2));
        EXPECT_EQ(gradient.narrow(2, photo.height, padded.height - photo.height).abs().max().item<float>(), 0);
        EXPECT_EQ(gradient.narrow(3, photo.width, padded.width - photo.width).abs().max().item<float>(), 0);
    }
}

TEST(Cropped, ImageGoesOnAsItsMirrorImage) {
    const Cropped A(std::make_shared<operators::Identity>(photo), padded);
    const at::Tensor y = drawn_values(photo, 3), image = A.as_image(y);
    EXPECT_EQ(image.sizes(), (at::IntArrayRef{2, 3, 8, 8}));
    EXPECT_TRUE(image.narrow(2, 0, 5).narrow(3, 0, 7).equal(y));
    // Rows 0 1 2 3 4 | 3 2 1, columns 0 … 6 | 5.
    EXPECT_TRUE(image.select(2, 5).narrow(2, 0, 7).equal(y.select(2, 3)));
    EXPECT_TRUE(image.select(2, 7).narrow(2, 0, 7).equal(y.select(2, 1)));
    EXPECT_TRUE(image.select(3, 7).narrow(2, 0, 5).equal(y.select(3, 5)));
    // A photo of two pixels goes on and on.
    const at::Tensor two = drawn_values({1, 1, 2}, 4, 1);
    const at::Tensor wide = operators::continued_by_mirror(two, 3, 6);
    for (int column = 0; column < 6; ++column) {
        EXPECT_TRUE(wide.select(3, column).equal(two.select(3, column % 2).expand({1, 1, 3}))) << column;
    }
}

TEST(Cropped, RefusesAShapeThatDoesNotHoldThePhoto) {
    const auto identity = std::make_shared<operators::Identity>(photo);
    EXPECT_THROW(Cropped(identity, {3, 4, 8}), std::invalid_argument);
    EXPECT_THROW(Cropped(identity, {1, 8, 8}), std::invalid_argument);
}

TEST(NoiseEstimate, FindsWhiteNoiseOnASmoothPicture) {
    // A ramp with an edge in it, 64 × 64.
    at::Tensor picture = at::zeros({1, 3, 64, 64});
    for (int row = 0; row < 64; ++row) picture.select(2, row).fill_(-0.5 + row / 64.0);
    picture.narrow(3, 40, 24).add_(0.4);
    for (const double sigma : {0.01, 0.05, 0.2, 0.5}) {
        const at::Tensor noisy = picture + drawn_values({3, 64, 64}, 7, 1) * sigma;
        const double found = operators::estimated_sigma(noisy, {})[0];
        EXPECT_NEAR(found, sigma, 0.06 * sigma) << sigma;
        // Where half of the pixels are missing the others tell.
        at::Tensor mask = at::ones({1, 1, 64, 64});
        mask.narrow(3, 0, 32).zero_();
        const double seen = operators::estimated_sigma(noisy * mask, mask)[0];
        EXPECT_NEAR(seen, sigma, 0.08 * sigma) << sigma;
    }
}

TEST(NoiseEstimate, LevelsOfEightBitsDoNotCoarsenIt) {
    at::Tensor picture = at::zeros({1, 3, 64, 64});
    for (int row = 0; row < 64; ++row) picture.select(2, row).fill_(-0.3 + 0.01 * row);
    for (const double sigma : {0.01, 0.012, 0.015, 0.02, 0.025, 0.05, 0.1}) {
        const at::Tensor noisy = picture + drawn_values({3, 64, 64}, 7, 1) * sigma;
        const at::Tensor levels = noisy.add(1).mul(127.5).round().clamp(0, 255).div(127.5).sub(1);
        // Rounding to levels is noise too, of variance (2/255)²/12.
        const double all = std::hypot(sigma, 2.0 / 255 / std::sqrt(12.0));
        EXPECT_NEAR(operators::estimated_sigma(levels, {})[0], all, 0.06 * all) << sigma;
    }
}

TEST(NoiseEstimate, FineTextureAddsLittleUnlessItFillsThePicture) {
    const at::Tensor noise = drawn_values({1, 64, 64}, 7, 1) * 0.05;
    at::Tensor texture = at::zeros({1, 1, 64, 64});
    // A chequered patch over a sixteenth of the picture.
    for (int row = 0; row < 16; ++row) {
        for (int column = 0; column < 16; ++column) texture[0][0][row][column] = (row + column) % 2 == 0 ? 0.5 : -0.5;
    }
    EXPECT_NEAR(operators::estimated_sigma(texture + noise, {})[0], 0.05, 0.25 * 0.05);
}

TEST(NoiseEstimate, NeverBelowWhatLevelsCanShowAndNothingWhereTooLittleIsSeen) {
    EXPECT_EQ(operators::estimated_sigma(at::full({1, 3, 16, 16}, 0.3), {})[0], operators::smallest_estimated_sigma);
    at::Tensor mask = at::zeros({1, 1, 16, 16});
    mask.select(3, 3).fill_(1);
    EXPECT_TRUE(std::isnan(operators::estimated_sigma(at::zeros({1, 3, 16, 16}), mask)[0]));
    EXPECT_TRUE(std::isnan(operators::estimated_sigma(at::zeros({1, 3, 1, 16}), {})[0]));
}
