// The one-pass updates against the samplers' own formulas, on the CPU.

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "pipeline/diffusion/ancestral_step.h"
#include "pipeline/diffusion/forward_process.h"
#include "pipeline/samplers/kernels/sampler_updates.h"

namespace {

using pipeline::NoiseSchedule;
using pipeline::VarianceKind;

at::Tensor row_number(std::int64_t row) {
    return at::full({}, row, at::kLong);
}

/// (a, b, c₁, c₂, s₀, s₁) of every step of a chain.
at::Tensor update_table(const NoiseSchedule& schedule, VarianceKind variance) {
    std::vector<double> values;
    for (int step = 0; step < schedule.size(); ++step) {
        const pipeline::CleanEstimateFactors factor = pipeline::clean_estimate_factors(schedule, step);
        double s0 = 0, s1 = 0;
        if (variance == VarianceKind::fixed_small) s0 = std::sqrt(schedule.posterior_variance(step));
        if (variance == VarianceKind::fixed_large) s0 = std::exp(0.5 * schedule.log_variance_fixed_large(step));
        if (variance == VarianceKind::learned_range) {
            const double log_large = std::log(schedule.beta(step));
            const double log_small = schedule.posterior_log_variance_clipped(step);
            s0 = 0.25 * (log_large + log_small);
            s1 = 0.25 * (log_large - log_small);
        }
        if (step == 0) s0 = variance == VarianceKind::learned_range ? -INFINITY : 0;
        values.insert(values.end(), {factor.x_t, factor.epsilon, schedule.posterior_mean_x0(step),
                                     schedule.posterior_mean_xt(step), s0, s1});
    }
    return at::tensor(values, at::kDouble).view({-1, 6});
}

double widest(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
}

at::Tensor images_like_these(at::ScalarType type) {
    return at::randn({2, 3, 9, 7}, type);
}

TEST(SamplerUpdates, AncestralUpdateIsTheAncestralStep) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000).respaced({0, 40, 300, 700, 999});
    for (const auto kind : {VarianceKind::fixed_small, VarianceKind::fixed_large, VarianceKind::learned_range}) {
        const at::Tensor table = update_table(schedule, kind);
        for (int step = 0; step < schedule.size(); ++step) {
            for (const auto& [type, tolerance] : {std::pair(at::kDouble, 1e-12), std::pair(at::kFloat, 2e-5)}) {
                const at::Tensor x_t = images_like_these(type), epsilon = images_like_these(type);
                const at::Tensor z = images_like_these(type);
                const at::Tensor v = kind == VarianceKind::learned_range ? images_like_these(type) : at::Tensor();
                for (const bool clip : {false, true}) {
                    at::Tensor x0_hat = pipeline::clean_estimate(schedule, step, x_t, epsilon);
                    if (clip) x0_hat = x0_hat.clamp(-1.0, 1.0);
                    const at::Tensor expected = pipeline::ancestral_step(schedule, step, kind, x_t, x0_hat, v, z);
                    const auto update = pipeline::ancestral_update(x_t, epsilon, v, z, table, row_number(step), clip);
                    const double scale = 1 + x0_hat.abs().max().item<double>();
                    EXPECT_LT(widest(update.x0_hat, x0_hat), tolerance * scale);
                    EXPECT_LT(widest(update.x_previous, expected), tolerance * scale);
                    EXPECT_EQ(update.x_previous.scalar_type(), type);
                }
            }
        }
    }
}

TEST(SamplerUpdates, ARowWithoutNoiseAddsNothingWhateverItIs) {
    const at::Tensor x_t = images_like_these(at::kFloat), epsilon = images_like_these(at::kFloat);
    const at::Tensor v = images_like_these(at::kFloat);
    const at::Tensor z = at::full(x_t.sizes(), std::numeric_limits<float>::infinity());
    const at::Tensor table =
        at::tensor(std::vector<double>{1.5, 0.5, 0.3, 0.6, 0, 0, 1.5, 0.5, 0.3, 0.6, -INFINITY, 0.7}).view({2, 6});
    const auto silent = pipeline::ancestral_update(x_t, epsilon, {}, {}, table, row_number(0), true);
    const auto without_v = pipeline::ancestral_update(x_t, epsilon, {}, z, table, row_number(0), true);
    const auto with_v = pipeline::ancestral_update(x_t, epsilon, v, z, table, row_number(1), true);
    EXPECT_TRUE(without_v.x_previous.equal(silent.x_previous));
    EXPECT_TRUE(with_v.x_previous.equal(silent.x_previous));
}

TEST(SamplerUpdates, DpsUpdateIsItsFormulaThroughTheClamp) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000).respaced({0, 300, 999});
    const at::Tensor table = update_table(schedule, VarianceKind::fixed_small);
    for (int step = 0; step < schedule.size(); ++step) {
        const at::Tensor x = images_like_these(at::kDouble), e = images_like_these(at::kDouble);
        const at::Tensor g = images_like_these(at::kDouble), n = images_like_these(at::kDouble);
        const at::Tensor x0_hat = pipeline::clean_estimate(schedule, step, x, e);
        EXPECT_TRUE(pipeline::clamp_vjp(g, x, e, table, row_number(step))
                        .equal(at::where(x0_hat.abs() <= 1, g, at::zeros_like(g))));
        const pipeline::CleanEstimateFactors factor = pipeline::clean_estimate_factors(schedule, step);
        const at::Tensor expected = x - (g * factor.x_t - n * factor.epsilon) * 0.3;
        EXPECT_LT(widest(pipeline::dps_update(x, g, n, table, row_number(step), 0.3), expected),
                  1e-14 * (1 + expected.abs().max().item<double>()));
    }
}

TEST(SamplerUpdates, TheClampPassesItsBounds) {
    // a = 1, b = 0: x̂₀ is x_t.
    const at::Tensor table = at::tensor(std::vector<double>{1, 0, 0, 0, 0, 0}).view({1, 6});
    const at::Tensor x = at::tensor(std::vector<float>{-1.5, -1, 0, 1, std::nextafter(1.0f, 2.0f), NAN});
    const at::Tensor ones = at::full({6}, 1.0f);
    EXPECT_TRUE(pipeline::clamp_vjp(ones, x, ones, table, row_number(0))
                    .equal(at::tensor(std::vector<float>{0, 1, 1, 1, 0, 0})));
}

TEST(SamplerUpdates, LayoutAndChunksMakeNoDifference) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000);
    const at::Tensor table = update_table(schedule, VarianceKind::learned_range);
    const at::Tensor x = images_like_these(at::kFloat), e = images_like_these(at::kFloat);
    const at::Tensor v = images_like_these(at::kFloat), z = images_like_these(at::kFloat);
    const auto update = [&](const auto& of) {
        return pipeline::ancestral_update(of(x), of(e), of(v), of(z), table, row_number(500), true).x_previous;
    };
    const at::Tensor whole = update([](const at::Tensor& t) { return t; });
    const at::Tensor last_channels =
        update([](const at::Tensor& t) { return t.contiguous(at::MemoryFormat::ChannelsLast); });
    EXPECT_TRUE(last_channels.equal(whole));
    EXPECT_TRUE(last_channels.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(update([](const at::Tensor& t) { return t.narrow(2, 1, 5); }).equal(whole.narrow(2, 1, 5)));
    const auto mixed =
        pipeline::ancestral_update(x, e.contiguous(at::MemoryFormat::ChannelsLast), v, z, table, row_number(500), true);
    EXPECT_TRUE(mixed.x_previous.equal(whole));
}

TEST(SamplerUpdates, RefuseOtherArguments) {
    const at::Tensor x = images_like_these(at::kFloat);
    const at::Tensor table = at::full({3, 6}, 1.0, at::kDouble);
    const at::Tensor row = row_number(0);
    EXPECT_THROW(pipeline::ancestral_update(x, x.to(at::kDouble), {}, {}, table, row, true), std::invalid_argument);
    EXPECT_THROW(pipeline::ancestral_update(x, x, {}, x.select(0, 0), table, row, true), std::invalid_argument);
    EXPECT_THROW(pipeline::clamp_vjp(x, x, x, table.to(at::kFloat), row), std::invalid_argument);
    EXPECT_THROW(pipeline::clamp_vjp(x, x, x, table, at::full({1}, 0, at::kLong)), std::invalid_argument);
    EXPECT_THROW(pipeline::dps_update(x, x, x, table.narrow(1, 0, 5), row, 1), std::invalid_argument);
    EXPECT_THROW(pipeline::dps_update(x, x, x, table, row_number(3), 1), c10::Error);
}

}  // namespace
