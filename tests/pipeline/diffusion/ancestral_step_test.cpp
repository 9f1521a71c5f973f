#include "pipeline/diffusion/ancestral_step.h"

#include <gtest/gtest.h>

#include <ATen/ops/full.h>
#include <cmath>
#include <stdexcept>

#include "pipeline/diffusion/forward_process.h"

namespace {

using pipeline::NoiseSchedule;
using pipeline::VarianceKind;

at::Tensor pixel(double value) {
    return at::full({1, 1, 1, 1}, value, at::kDouble);
}
double value_of(const at::Tensor& tensor) {
    return tensor.item().toDouble();
}

/// x_t = .7, x̂₀ = −.4, z = 1.5, v = .3 at one step of a chain.
double stepped(const NoiseSchedule& schedule, int step, VarianceKind kind, double v = 0.3) {
    return value_of(pipeline::ancestral_step(schedule, step, kind, pixel(0.7), pixel(-0.4), pixel(v), pixel(1.5)));
}

TEST(ForwardProcess, EstimateUndoesNoisingWithTheSameNoise) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000);
    for (const int t : {0, 500, 999}) {
        const at::Tensor x_t = pipeline::noised(schedule, t, pixel(0.6), pixel(-1.1));
        const double alpha_bar = schedule.alpha_bar(t);
        EXPECT_NEAR(value_of(x_t), std::sqrt(alpha_bar) * 0.6 - std::sqrt(1 - alpha_bar) * 1.1, 1e-15);
        EXPECT_NEAR(value_of(pipeline::clean_estimate(schedule, t, x_t, pixel(-1.1))), 0.6, 1e-12);
    }
}

TEST(AncestralStep, MeanAndVarianceAreThoseOfTheProductOfTwoGaussians) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000).respaced({0, 40, 300, 700, 999});
    for (int t = 1; t < schedule.size(); ++t) {
        // x_{t−1} ~ N(√ᾱ_{t−1} x₀, 1−ᾱ_{t−1}), seen through x_t ~ N(√α x_{t−1}, β)
        const double alpha = schedule.alpha_bar(t) / schedule.alpha_bar(t - 1);
        const double prior = 1 - schedule.alpha_bar(t - 1);
        const double variance = 1 / (1 / prior + alpha / (1 - alpha));
        const double mean =
            variance * (std::sqrt(schedule.alpha_bar(t - 1)) * -0.4 / prior + std::sqrt(alpha) * 0.7 / (1 - alpha));
        EXPECT_NEAR(stepped(schedule, t, VarianceKind::fixed_small), mean + 1.5 * std::sqrt(variance), 1e-12);
        EXPECT_NEAR(stepped(schedule, t, VarianceKind::fixed_large), mean + 1.5 * std::sqrt(1 - alpha), 1e-12);
    }
}

TEST(AncestralStep, LearnedVarianceInterpolatesBetweenTheTwoAndBeyondThem) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000).respaced({0, 40, 300, 700, 999});
    const int t = 2;
    const double small = stepped(schedule, t, VarianceKind::fixed_small);
    const double large = stepped(schedule, t, VarianceKind::fixed_large);
    EXPECT_NEAR(stepped(schedule, t, VarianceKind::learned_range, -1), small, 1e-12);
    EXPECT_NEAR(stepped(schedule, t, VarianceKind::learned_range, 1), large, 1e-12);
    // Not clamped: v = 3 is f = 2
    const double ratio = std::sqrt(schedule.beta(t) / schedule.posterior_variance(t));
    const double mean = (large - ratio * small) / (1 - ratio);
    EXPECT_NEAR(stepped(schedule, t, VarianceKind::learned_range, 3) - mean, (large - mean) * ratio, 1e-12);
}

TEST(AncestralStep, LastStepIsTheEstimateWithoutNoise) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000);
    // c₁ = β₀/(1 − ᾱ₀) is 1 up to the rounding of 1 − ᾱ₀, one part in 2⁵² over β₀ = 1e-4
    constexpr double rounding = 0x1p-52 / 1e-4;
    for (const auto kind : {VarianceKind::fixed_small, VarianceKind::fixed_large, VarianceKind::learned_range}) {
        EXPECT_NEAR(stepped(schedule, 0, kind), -0.4, rounding);
        const at::Tensor x_0 = pipeline::ancestral_step(schedule, 0, kind, pixel(0.7), pixel(-0.4), {}, {});
        EXPECT_NEAR(value_of(x_0), -0.4, rounding);
    }
}

TEST(AncestralStep, WorksInThePrecisionOfItsInput) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000);
    const at::Tensor x_t = pixel(0.7).to(at::kFloat);
    const at::Tensor z = pixel(1.5).to(at::kFloat);
    const at::Tensor next =
        pipeline::ancestral_step(schedule, 500, VarianceKind::learned_range, x_t, x_t.neg(), x_t.mul(0.5), z);
    EXPECT_EQ(next.scalar_type(), at::kFloat);
    EXPECT_EQ(pipeline::noised(schedule, 500, x_t, z).scalar_type(), at::kFloat);
}

TEST(AncestralStep, LearnedVarianceWithoutOneIsRefused) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000);
    EXPECT_THROW(pipeline::ancestral_step(schedule, 5, VarianceKind::learned_range, pixel(0), pixel(0), {}, pixel(0)),
                 std::invalid_argument);
}

}  // namespace
