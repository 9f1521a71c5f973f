// Masks drawn from settings: where they lie, how many pixels they take, and that the image alone decides.

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include "operators/inpainting.h"
#include "operators/make_operator.h"

namespace {

using operators::NoiseStream;
using operators::Settings;
using operators::Shape;

const Shape face{3, 256, 256};

Settings settings_of(const std::string& name, const std::map<std::string, operators::Value>& changes = {}) {
    Settings settings = Settings::defaults(operators::find_operator(name).options);
    for (const auto& [option, value] : changes) settings.set(option, value);
    return settings;
}

Settings resolved(const std::string& name, const Shape& image,
                  const std::map<std::string, operators::Value>& changes = {}) {
    Settings settings = settings_of(name, changes);
    operators::find_operator(name).resolve(settings, image);
    return settings;
}

at::Tensor mask_of(const std::string& name, const Settings& settings, const Shape& image,
                   const std::vector<std::uint64_t>& images, std::uint64_t seed = 1) {
    return operators::find_operator(name).draw(settings, image, NoiseStream(seed), images).at("mask");
}

std::string resolve_refusal(const std::string& name, const Shape& image,
                            const std::map<std::string, operators::Value>& changes = {}) {
    try {
        resolved(name, image, changes);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "nothing thrown";
}

std::vector<std::uint64_t> numbers(std::uint64_t count) {
    std::vector<std::uint64_t> images;
    for (std::uint64_t image = 0; image < count; ++image) images.push_back(image);
    return images;
}

// The corner and extent of what a mask removes.
struct Removed {
    std::int64_t top = 0, left = 0, height = 0, width = 0, pixels = 0;
};

Removed removed(const at::Tensor& mask) {
    const at::Tensor places = (mask == 0).nonzero();
    const at::Tensor first = std::get<0>(places.min(0));
    const at::Tensor last = std::get<0>(places.max(0));
    Removed box{first[0].item<std::int64_t>(), first[1].item<std::int64_t>(), 0, 0, places.size(0)};
    box.height = last[0].item<std::int64_t>() - box.top + 1;
    box.width = last[1].item<std::int64_t>() - box.left + 1;
    return box;
}

TEST(Box, DefaultsAreTheReferences) {
    const Settings settings = resolved("box", face);
    EXPECT_EQ(settings.integer("size"), 128);
    EXPECT_EQ(settings.integer("margin"), 16);
}

TEST(Box, AutoFollowsTheSmallerSide) {
    const Settings settings = resolved("box", {3, 64, 100});
    EXPECT_EQ(settings.integer("size"), 32);
    EXPECT_EQ(settings.integer("margin"), 4);
}

TEST(Box, CornersFillTheReferencesRangeAndNothingElse) {
    const at::Tensor masks = mask_of("box", resolved("box", face), face, numbers(1000));
    std::set<std::int64_t> tops, lefts;
    for (std::int64_t row = 0; row < masks.size(0); ++row) {
        const Removed box = removed(masks[row][0]);
        EXPECT_EQ(box.height, 128);
        EXPECT_EQ(box.width, 128);
        EXPECT_EQ(box.pixels, 128 * 128);
        tops.insert(box.top);
        lefts.insert(box.left);
    }
    // 96 corners; a thousand draws meet both ends and nearly all (expected to miss: 0.003 of them).
    for (const std::set<std::int64_t>& corners : {tops, lefts}) {
        EXPECT_EQ(*corners.begin(), 16);
        EXPECT_EQ(*corners.rbegin(), 111);
        EXPECT_GE(corners.size(), 94U);
    }
}

TEST(Box, FitsOblongImages) {
    const Shape image{1, 20, 33};
    const Settings settings = resolved("box", image, {{"size", std::int64_t{15}}, {"margin", std::int64_t{2}}});
    const at::Tensor masks = mask_of("box", settings, image, numbers(200));
    std::set<std::int64_t> tops, lefts;
    for (std::int64_t row = 0; row < 200; ++row) {
        tops.insert(removed(masks[row][0]).top);
        lefts.insert(removed(masks[row][0]).left);
    }
    EXPECT_THAT(tops, testing::ElementsAre(2));
    EXPECT_THAT(lefts, testing::ElementsAre(2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

TEST(Box, CentreIsTheCentre) {
    const Shape image{3, 4, 6};
    const Settings settings = resolved("box", image, {{"position", std::string("centre")}});
    const at::Tensor masks = mask_of("box", settings, image, {5, 6});
    const at::Tensor expected = at::tensor({1, 1, 1, 1, 1, 1,  //
                                            1, 1, 0, 0, 1, 1,  //
                                            1, 1, 0, 0, 1, 1,  //
                                            1, 1, 1, 1, 1, 1})
                                    .reshape({4, 6});
    EXPECT_TRUE(masks[0][0].to(at::kLong).equal(expected.to(at::kLong)));
    EXPECT_TRUE(masks[1].equal(masks[0]));
}

TEST(Box, WhatDoesNotFitIsRefused) {
    EXPECT_EQ(resolve_refusal("box", {3, 64, 80}, {{"size", std::int64_t{56}}}),
              "box.size: 56 with box.margin 4 does not fit images of 64x80, allowed is 1 to 55");
    EXPECT_EQ(resolve_refusal("box", {3, 64, 80}, {{"size", std::int64_t{55}}}), "nothing thrown");
    EXPECT_EQ(resolve_refusal("box", {3, 64, 80}, {{"margin", std::int64_t{32}}}),
              "box.size: 32 with box.margin 32 does not fit images of 64x80, allowed is none");
    EXPECT_EQ(resolve_refusal("box", {3, 64, 80}, {{"size", std::int64_t{65}}, {"position", std::string("centre")}}),
              "box.size: 65 does not fit images of 64x80, allowed is 1 to 64");
    EXPECT_EQ(resolve_refusal("box", {3, 1, 1}),
              "box.size: 0 with box.margin 0 does not fit images of 1x1, allowed is none");
}

TEST(Random, RemovesExactlyTheShareRoundedDown) {
    for (const double fraction : {0.0, 0.5, 0.7, 0.92, operators::below_one}) {
        const Settings settings = settings_of("random", {{"fraction", fraction}});
        const at::Tensor masks = mask_of("random", settings, {3, 64, 48}, numbers(3));
        const auto expected = static_cast<std::int64_t>(64 * 48 * fraction);
        for (std::int64_t row = 0; row < 3; ++row) {
            EXPECT_EQ((masks[row] == 0).sum().item<std::int64_t>(), expected) << fraction;
            EXPECT_EQ((masks[row] == 1).sum().item<std::int64_t>(), 64 * 48 - expected) << fraction;
        }
    }
    EXPECT_EQ((mask_of("random", settings_of("random"), face, {0}) == 0).sum().item<std::int64_t>(), 60293);
}

TEST(Random, EveryPixelIsRemovedEquallyOften) {
    // 2000 masks of 5 × 4 with half removed: counts are binomial, mean 1000, standard deviation 22.4.
    const at::Tensor masks = mask_of("random", settings_of("random", {{"fraction", 0.5}}), {1, 5, 4}, numbers(2000));
    const at::Tensor counts = masks.sum(0);
    EXPECT_LE((counts - 1000).abs().max().item<double>(), 5 * 22.4);
    EXPECT_GE((counts - 1000).abs().max().item<double>(), 1);
}

TEST(Draw, ImageAloneDecidesWhateverTheBlock) {
    for (const std::string name : {"box", "random"}) {
        const Settings settings = name == "box" ? resolved(name, face) : settings_of(name);
        const at::Tensor first = mask_of(name, settings, face, {3, 17, 4});
        const at::Tensor second = mask_of(name, settings, face, {17});
        const at::Tensor third = mask_of(name, settings, face, {9, 4, 17, 3});
        EXPECT_TRUE(first[1].equal(second[0])) << name;
        EXPECT_TRUE(first[0].equal(third[3])) << name;
        EXPECT_TRUE(first[2].equal(third[1])) << name;
        EXPECT_FALSE(first[0].equal(first[1])) << name;
        EXPECT_FALSE(first[1].equal(first[2])) << name;
        EXPECT_FALSE(mask_of(name, settings, face, {17}, 2)[0].equal(second[0])) << name;
    }
}

TEST(MotionBlur, KernelsAreTheImagesOwnAndOfSumOne) {
    const Settings settings = resolved("motion_blur", face);
    const auto draw = operators::find_operator("motion_blur").draw;
    const std::vector<std::uint64_t> images{4, 9, 2};
    const at::Tensor kernels = draw(settings, face, NoiseStream(1), images).at("kernel");
    EXPECT_EQ(kernels.sizes().vec(), (std::vector<std::int64_t>{3, 1, 61, 61}));
    const at::Tensor sums = kernels.sum({1, 2, 3});
    EXPECT_LT((sums - 1).abs().max().item<float>(), 1e-5F);
    EXPECT_GE(kernels.min().item<float>(), 0.0F);
    const at::Tensor alone = draw(settings, face, NoiseStream(1), std::vector<std::uint64_t>{9}).at("kernel");
    EXPECT_TRUE(alone.equal(kernels.narrow(0, 1, 1)));
    EXPECT_FALSE(kernels.select(0, 0).equal(kernels.select(0, 1)));
    EXPECT_FALSE(draw(settings, face, NoiseStream(2), images).at("kernel").equal(kernels));
}

TEST(MotionBlur, PathsAreAsLongAndAsShakenAsAsked) {
    // A path on the doubled canvas is 0.75 · 61 · √2 · 2 · (½ + I²/2) pixels long on average, half of that in the
    // kernel: a kernel of n taps of equal weight has Σ k² = 1/n, so straight lines spread over about as many taps.
    const std::vector<std::uint64_t> images = [] {
        std::vector<std::uint64_t> numbers(200);
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
        return numbers;
    }();
    const auto spread = [&](double intensity) {
        const Settings settings = resolved("motion_blur", face, {{"intensity", intensity}});
        const at::Tensor kernels =
            operators::find_operator("motion_blur").draw(settings, face, NoiseStream(1), images).at("kernel");
        // The larger and the smaller eigenvalue of the path's covariance
        const at::Tensor axis = at::arange(61, at::kDouble) - 30;
        const at::Tensor k = kernels.squeeze(1).to(at::kDouble);
        const auto moment = [&](const at::Tensor& weights) { return (k * weights).sum({1, 2}); };
        const at::Tensor x = axis.unsqueeze(0).expand({61, 61}), y = axis.unsqueeze(1).expand({61, 61});
        const at::Tensor mx = moment(x), my = moment(y);
        const at::Tensor a = moment(x * x) - mx * mx, b = moment(x * y) - mx * my, c = moment(y * y) - my * my;
        const at::Tensor root = ((a - c) * (a - c) / 4 + b * b).sqrt();
        const double wide = ((a + c) / 2 + root).mean().item<double>();
        const double narrow = ((a + c) / 2 - root).mean().item<double>();
        return std::pair(wide, narrow);
    };
    const auto [line_wide, line_narrow] = spread(0);
    const auto [shaken_wide, shaken_narrow] = spread(1);
    EXPECT_LT(line_narrow, 0.6) << "one pixel's bilinear weights";
    EXPECT_GT(shaken_narrow, 2 * line_narrow);
    EXPECT_GT(line_wide, 20.0);
    EXPECT_GT(shaken_wide, 20.0);
}

TEST(MotionBlur, SizesThatDoNotFitAreRefused) {
    EXPECT_EQ(resolved("motion_blur", {3, 16, 20}).integer("size"), 31);
    EXPECT_THROW(resolved("motion_blur", face, {{"size", std::int64_t{14}}}), std::invalid_argument);
    EXPECT_THROW(resolved("motion_blur", {3, 16, 16}, {{"size", std::int64_t{33}}}), std::invalid_argument);
}

TEST(SuperResolution, FactorsThatDoNotDivideAreRefused) {
    EXPECT_THROW(resolved("super_resolution", {3, 18, 16}), std::invalid_argument);
    EXPECT_NO_THROW(resolved("super_resolution", {3, 18, 15}, {{"factor", std::int64_t{3}}}));
}

TEST(AsImage, IsTheShapeOfX) {
    const Shape shape{3, 8, 12};
    for (const char* name : {"super_resolution", "colourisation"}) {
        const auto A = operators::find_operator(name).make(resolved(name, shape), shape, {});
        const at::Tensor x = at::full({2, 3, 8, 12}, 0.25);
        const at::Tensor image = A->as_image(A->forward(x));
        EXPECT_LT((image - x).abs().max().item<float>(), 1e-6F) << name << ": what is constant comes back";
        EXPECT_THROW(A->as_image(x), std::invalid_argument) << name;
    }
    EXPECT_THROW(resolved("colourisation", {1, 8, 8}), std::invalid_argument);
}

TEST(Draw, MasksHaveOneChannelForAll) {
    for (const std::string name : {"box", "random"}) {
        const Settings settings = name == "box" ? resolved(name, face) : settings_of(name);
        EXPECT_THAT(mask_of(name, settings, face, {1, 2}).sizes().vec(), testing::ElementsAre(2, 1, 256, 256));
    }
}

TEST(GaussianBlurSettings, AutoIsTheReferencesOrTheLargestOdd) {
    EXPECT_EQ(resolved("gaussian_blur", face).integer("size"), 61);
    EXPECT_EQ(resolved("gaussian_blur", {3, 31, 64}).integer("size"), 61);
    EXPECT_EQ(resolved("gaussian_blur", {3, 30, 64}).integer("size"), 59);
    EXPECT_EQ(resolved("gaussian_blur", {3, 1, 1}).integer("size"), 1);
}

TEST(GaussianBlurSettings, EvenAndTooLargeSizesAreRefused) {
    EXPECT_EQ(resolve_refusal("gaussian_blur", {3, 30, 64}, {{"size", std::int64_t{8}}}),
              "gaussian_blur.size: 8, allowed is an odd integer from 1 to 59 for images of 30x64");
    EXPECT_EQ(resolve_refusal("gaussian_blur", {3, 30, 64}, {{"size", std::int64_t{61}}}),
              "gaussian_blur.size: 61, allowed is an odd integer from 1 to 59 for images of 30x64");
}

TEST(Inpainting, MultipliesByHand) {
    const at::Tensor mask = at::tensor({1, 0, 0, 1}).reshape({1, 1, 2, 2});
    const operators::Inpainting A("mask", mask, {2, 2, 2});
    const at::Tensor x = at::tensor({1., 2., 3., 4., 5., 6., 7., 8.}, at::kDouble).reshape({1, 2, 2, 2});
    const at::Tensor expected = at::tensor({1., 0., 0., 4., 5., 0., 0., 8.}, at::kDouble).reshape({1, 2, 2, 2});
    EXPECT_TRUE(A.forward(x).equal(expected));
    EXPECT_TRUE(A.adjoint(x).equal(expected));
}

TEST(Inpainting, BadMasksAreRefused) {
    const Shape image{3, 4, 4};
    const auto refuse = [&](const at::Tensor& mask) -> std::string {
        try {
            const operators::Inpainting A("mask", mask, image);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "nothing thrown";
    };
    EXPECT_EQ(refuse(at::ones({1, 1, 4, 4}) * 0.5), "mask: the mask holds values other than 0 and 1");
    EXPECT_EQ(refuse(at::ones({1, 1, 4, 4}) * std::nan("")), "mask: the mask holds values other than 0 and 1");
    EXPECT_EQ(refuse(at::ones({1, 3, 4, 4})), "mask: mask has shape [1, 3, 4, 4], expected [N, 1, 4, 4]");
    EXPECT_EQ(refuse(at::ones({1, 1, 4, 4})), "nothing thrown");
}

TEST(Inpainting, MasksOfAnotherNumberThanImagesAreRefused) {
    const operators::Inpainting A("mask", at::ones({3, 1, 4, 4}), {3, 4, 4});
    EXPECT_THAT(
        [&] {
            A.forward(at::ones({2, 3, 4, 4}));
        },
        testing::ThrowsMessage<std::invalid_argument>(
            "mask: x has shape [2, 3, 4, 4], the masks have shape [3, 1, 4, 4], expected as many rows in both"));
}

}  // namespace
