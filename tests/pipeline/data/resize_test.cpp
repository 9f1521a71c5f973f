#include "pipeline/data/resize.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <cmath>
#include <functional>
#include <stdexcept>
#include <vector>

namespace pipeline {

namespace {

at::Tensor filled(std::int64_t height, std::int64_t width,
                  const std::function<double(std::int64_t, std::int64_t)>& at) {
    at::Tensor image = at::empty({1, height, width}, at::TensorOptions().dtype(at::kFloat));
    for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
            image.data_ptr<float>()[y * width + x] = static_cast<float>(at(y, x));
        }
    }
    return image;
}

float pixel(const at::Tensor& image, std::int64_t y, std::int64_t x) {
    return image[0][y][x].item<float>();
}

at::Tensor pattern() {
    return filled(7, 10, [](std::int64_t y, std::int64_t x) {
        return static_cast<double>((3 * y * y + 5 * x * y + 7 * x + y) % 17) / 8 - 1;
    });
}

}  // namespace

TEST(Resize, SameSizeIsUntouched) {
    const at::Tensor image = pattern();
    EXPECT_TRUE(resize_to_cover(image, 7, 10).equal(image));
}

TEST(Resize, OnlyCroppingKeepsPixels) {
    const at::Tensor image = pattern();
    const at::Tensor cropped = resize_to_cover(image, 7, 7);
    EXPECT_TRUE(cropped.equal(image.slice(2, 1, 8)));
}

// Two to one, by hand: centre 1, taps at distances ±1/4, ±3/4, ±5/4, ±7/4 of the widened cubic.
TEST(Resize, HalvingByHand) {
    const auto cubic = [](double x) {
        return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : -0.5 * (x * x * x - 5 * x * x + 8 * x - 4);
    };
    // Output 2 of 8 → 4 has its centre at 5: inputs 1 … 8 would be covered, of which 1 … 7 exist.
    double sum = 0;
    double expected = 0;
    const auto value = [](std::int64_t x) { return static_cast<double>((x * x) % 5) / 4 - 0.5; };
    for (std::int64_t x = 1; x < 8; ++x) {
        const double weight = cubic(std::abs(static_cast<double>(x) + 0.5 - 5) / 2);
        sum += weight;
        expected += weight * value(x);
    }
    const at::Tensor image = filled(8, 8, [&](std::int64_t, std::int64_t x) { return value(x); });
    EXPECT_NEAR(pixel(resize_to_cover(image, 4, 4), 1, 2), expected / sum, 1e-6);
}

// Values of Pillow 13.0.0, Image.resize(BICUBIC) of a float image, then the middle.
TEST(Resize, ShrinkingAgreesWithPillow) {
    const std::vector<float> expected = {
        0.4155319929122925F,   -0.3077307641506195F,  -0.09081955254077911F, 0.16714759171009064F,
        0.39360374212265015F,  0.5284377336502075F,   0.47424939274787903F,  0.45115891098976135F,
        -0.09076357632875443F, 0.20760394632816315F,  -0.5373159646987915F,  0.09876178205013275F,
        -0.2240288406610489F,  -0.38429275155067444F, -0.18122637271881104F, 0.4969547390937805F};
    const at::Tensor result = resize_to_cover(pattern(), 4, 4);
    for (std::int64_t i = 0; i < 16; ++i) {
        EXPECT_NEAR(pixel(result, i / 4, i % 4), expected[static_cast<std::size_t>(i)], 1e-6) << i;
    }
}

TEST(Resize, EnlargingAgreesWithPillow) {
    const std::vector<std::vector<float>> expected = {
        {0.32981011271476746F, 0.6280437707901001F, -0.5006074905395508F, 0.28775715827941895F, -0.25591716170310974F,
         -0.8585362434387207F, 0.03803921490907669F, 0.9099975228309631F, 0.10607416182756424F},
        {-0.7601950168609619F, -0.12980769574642181F, 0.3509615361690521F, 0.9844923615455627F, 0.25F,
         -0.48449236154556274F, 0.1505497545003891F, 0.7631037831306458F, -0.15528276562690735F},
        {0.17594705522060394F, -0.9782211184501648F, -0.5289781093597412F, -0.21617546677589417F, 0.09504438191652298F,
         0.40892839431762695F, 0.7169149518013F, 1.0F, -0.09164384752511978F}};
    const at::Tensor result = resize_to_cover(pattern(), 9, 9);
    for (std::int64_t row = 0; row < 3; ++row) {
        for (std::int64_t x = 0; x < 9; ++x) {
            EXPECT_NEAR(pixel(result, row * 4, x), expected[static_cast<std::size_t>(row)][static_cast<std::size_t>(x)],
                        1e-6);
        }
    }
}

TEST(Resize, ConstantStaysConstant) {
    for (const auto& [h, w] : std::vector<std::pair<std::int64_t, std::int64_t>>{{100, 37}, {3, 5}, {64, 65}, {1, 1}}) {
        const at::Tensor result =
            resize_to_cover(at::full({3, h, w}, 0.3F, at::TensorOptions().dtype(at::kFloat)), 16, 24);
        EXPECT_EQ(result.sizes(), at::IntArrayRef({3, 16, 24}));
        EXPECT_LT((result - 0.3F).abs().max().item<float>(), 1e-6F) << h << "x" << w;
    }
}

TEST(Resize, RampStaysLinearInside) {
    const at::Tensor image =
        filled(64, 64, [](std::int64_t, std::int64_t x) { return (static_cast<double>(x) + 0.5) / 64; });
    const at::Tensor result = resize_to_cover(image, 20, 20);
    for (std::int64_t x = 3; x < 17; ++x) {
        EXPECT_NEAR(pixel(result, 7, x), (static_cast<double>(x) + 0.5) / 20, 1e-3) << x;
    }
}

TEST(Resize, CheckerboardBecomesGrey) {
    const at::Tensor image =
        filled(64, 64, [](std::int64_t y, std::int64_t x) { return (x + y) % 2 == 0 ? 1.0 : -1.0; });
    const at::Tensor inside = resize_to_cover(image, 32, 32).slice(1, 2, 30).slice(2, 2, 30);
    EXPECT_LT(inside.abs().max().item<float>(), 1e-3F);
}

TEST(Resize, ResultStaysInRangeAndShapesAreChecked) {
    const at::Tensor edge = filled(8, 8, [](std::int64_t, std::int64_t x) { return x < 4 ? -1.0 : 1.0; });
    const at::Tensor result = resize_to_cover(edge, 40, 40);
    EXPECT_EQ(result.max().item<float>(), 1.0F);
    EXPECT_EQ(result.min().item<float>(), -1.0F);
    EXPECT_THROW(resize_to_cover(edge, 0, 4), std::invalid_argument);
    EXPECT_THROW(resize_to_cover(edge[0], 4, 4), std::invalid_argument);
}

}  // namespace pipeline
