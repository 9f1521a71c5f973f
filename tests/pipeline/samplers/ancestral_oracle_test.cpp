#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "tests/pipeline/samplers/oracle_chain.h"

namespace {

using gaussian_oracle::Ancestral;
using gaussian_oracle::Chain;
using gaussian_oracle::expect_moments;
using gaussian_oracle::Moments;
using gaussian_oracle::Predictor;
using gaussian_oracle::Prior;
using gaussian_oracle::run;
using gaussian_oracle::settings_of;
using pipeline::VarianceKind;

/// σ_t² of each kind; v = 0.4 where it is learned.
constexpr double learned_v = 0.4;

double step_variance(VarianceKind kind, const Chain& chain, int step) {
    if (step == 0) return 0;
    const Ancestral at = chain.ancestral(step);
    switch (kind) {
        case VarianceKind::fixed_small:
            return at.small;
        case VarianceKind::fixed_large:
            return at.large;
        case VarianceKind::learned_range:
            return std::pow(at.large, (learned_v + 1) / 2) * std::pow(at.small, (1 - learned_v) / 2);
    }
    return 0;
}

Moments ancestral_recursion(const Chain& chain, VarianceKind kind, int first_step, Moments moments) {
    for (int step = first_step; step >= 0; --step) {
        const Ancestral at = chain.ancestral(step);
        moments.step(at.a, at.b, std::sqrt(step_variance(kind, chain, step)));
    }
    return moments;
}

TEST(GaussianOracle, DdpmHasTheMomentsOfItsRecursion) {
    for (const auto kind : {VarianceKind::fixed_small, VarianceKind::fixed_large, VarianceKind::learned_range}) {
        Chain chain("100", Predictor(Prior{}, learned_v));
        pipeline::SamplingProblem problem = chain.problem();
        problem.variance = kind;
        const Moments expected = ancestral_recursion(chain, kind, 99, {});
        expect_moments(run("ddpm", settings_of("ddpm"), problem), expected, pipeline::to_string(kind));
    }
}

TEST(GaussianOracle, TheThreeVariancesGiveThreeDistributions) {
    const Chain chain("100");
    const double small = ancestral_recursion(chain, VarianceKind::fixed_small, 99, {}).variance;
    const double learned = ancestral_recursion(chain, VarianceKind::learned_range, 99, {}).variance;
    const double large = ancestral_recursion(chain, VarianceKind::fixed_large, 99, {}).variance;
    // More than the four standard errors that the test above allows each of them
    const double four_errors = 4 * large * std::sqrt(2.0 / (Chain::batch * Chain::shape.count()));
    EXPECT_GT(learned - small, 2 * four_errors);
    EXPECT_GT(large - learned, 2 * four_errors);
}

TEST(GaussianOracle, DdimHasTheMomentsOfItsRecursion) {
    for (const double eta : {0.0, 0.5, 1.0}) {
        Chain chain("50");
        Moments expected;
        for (int step = 49; step >= 0; --step) {
            const double now = chain.alpha_bar(step);
            const double next = chain.alpha_bar_previous(step);
            const auto x0_hat = gaussian_oracle::estimate(Prior{}, now);
            const double s = eta * std::sqrt((1 - next) / (1 - now) * (1 - now / next));
            // ε = (x_t − √ᾱ x̂₀)/√(1−ᾱ) points from x̂₀ to x_t
            const double direction = std::sqrt(std::max(0.0, 1 - next - s * s)) / std::sqrt(1 - now);
            const double on_x0 = std::sqrt(next) - direction * std::sqrt(now);
            expected.step(on_x0 * x0_hat.gain + direction, on_x0 * x0_hat.offset, s);
        }
        expect_moments(run("ddim", settings_of("ddim", {{"eta", eta}}), chain.problem()), expected,
                       "eta " + std::to_string(eta));
    }
}

TEST(GaussianOracle, DdimWithEtaOneIsDdpmWithTheSmallVariance) {
    Chain chain("50");
    const at::Tensor ddim = run("ddim", settings_of("ddim", {{"eta", 1.0}}), chain.problem());
    const at::Tensor ddpm = run("ddpm", settings_of("ddpm"), chain.problem());
    EXPECT_LE((ddim - ddpm).abs().max().item().toDouble(), 2e-5);
}

/// x ← √ᾱ x + √(1−ᾱ) z
void noise_to(Moments& moments, double alpha_bar) {
    moments.step(std::sqrt(alpha_bar), 0, std::sqrt(1 - alpha_bar));
}

at::Tensor grey(double value) {
    return at::full({Chain::batch, 3, 72, 72}, value);
}

TEST(GaussianOracle, SdeditHasTheMomentsOfItsRecursion) {
    for (const auto& [t_start, repeats] : std::vector<std::pair<int, int>>{{200, 1}, {500, 1}, {500, 3}}) {
        Chain chain("50");
        pipeline::SamplingProblem problem = chain.problem();
        problem.measurement = {grey(0.9), std::make_shared<gaussian_oracle::Scaling>(1.0, Chain::shape), 0.0};
        int highest = 49;
        while (chain.schedule.timestep(highest) >= t_start) --highest;
        Moments expected{.mean = 0.9, .variance = 0};
        for (int repeat = 0; repeat < repeats; ++repeat) {
            noise_to(expected, chain.alpha_bar(highest));
            expected = ancestral_recursion(chain, VarianceKind::fixed_small, highest, expected);
        }
        const auto settings =
            settings_of("sdedit", {{"t-start", std::int64_t{t_start}}, {"repeats", std::int64_t{repeats}}});
        expect_moments(run("sdedit", settings, problem), expected, "t-start " + std::to_string(t_start));
    }
}

TEST(GaussianOracle, ForwardReverseHasTheMomentsOfItsRecursion) {
    Chain chain("250");
    pipeline::SamplingProblem problem = chain.problem();
    problem.truth = grey(-0.6);
    // Retained below 100: 0, 4, 8, … 96
    const int highest = 24;
    ASSERT_LT(chain.schedule.timestep(highest), 100);
    ASSERT_GE(chain.schedule.timestep(highest + 1), 100);
    Moments expected{.mean = -0.6, .variance = 0};
    noise_to(expected, chain.alpha_bar(highest));
    expected = ancestral_recursion(chain, VarianceKind::fixed_small, highest, expected);
    expect_moments(run("forward_reverse", settings_of("forward_reverse"), problem), expected, "forward_reverse");
}

TEST(Sdedit, FullStrengthForgetsTheGuide) {
    Chain chain("50");
    const auto restored = [&](double guide, int t_start) {
        pipeline::SamplingProblem problem = chain.problem();
        problem.measurement = {grey(guide), std::make_shared<gaussian_oracle::Scaling>(1.0, Chain::shape), 0.0};
        return run("sdedit", settings_of("sdedit", {{"t-start", std::int64_t{t_start}}}), problem);
    };
    // √ᾱ₉₉₉ = .0064 of the guide enters, and DDPM keeps a part of that
    EXPECT_LE((restored(1, 1000) - restored(-1, 1000)).abs().max().item().toDouble(), 2 * 0.0064);
    EXPECT_GE((restored(1, 100) - restored(-1, 100)).abs().mean().item().toDouble(), 1.0);
}

TEST(Sdedit, OriginalIsUnclippedWithTheSmallVarianceThreeTimes) {
    Chain chain("50", Predictor(Prior{}, learned_v));
    pipeline::SamplingProblem problem = chain.problem();
    problem.measurement = {grey(0.9), std::make_shared<gaussian_oracle::Scaling>(1.0, Chain::shape), 0.0};
    const at::Tensor by_hand = run("sdedit", settings_of("sdedit", {{"repeats", std::int64_t{3}}}), problem);
    problem.variance = VarianceKind::learned_range;
    problem.clip = true;
    const at::Tensor original = run("sdedit", settings_of("sdedit", {{"preset", std::string("original")}}), problem);
    EXPECT_TRUE(original.equal(by_hand));
    const at::Tensor own = run("sdedit", settings_of("sdedit", {{"repeats", std::int64_t{3}}}), problem);
    EXPECT_FALSE(own.equal(by_hand));
}

}  // namespace
