#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <vector>

#include "operators/identity.h"
#include "tests/pipeline/samplers/oracle_chain.h"

namespace {

using gaussian_oracle::Ancestral;
using gaussian_oracle::Chain;
using gaussian_oracle::Moments;
using gaussian_oracle::OneValueNoise;
using gaussian_oracle::Predictor;
using gaussian_oracle::Prior;
using gaussian_oracle::run;
using gaussian_oracle::settings_of;

constexpr double A = 0.8;
constexpr double y = 0.5;
constexpr double sigma_y = 0.3;

operators::Measurement measurement(std::int64_t batch, const operators::Shape& shape, at::ScalarType type,
                                   double factor = A) {
    return {at::full({batch, shape.channels, shape.height, shape.width}, y, type),
            std::make_shared<gaussian_oracle::Scaling>(factor, shape), sigma_y};
}

/// x_{t−1} = DDPM(x_t) − λ weight A (A x_t/√ᾱ − y)/(σ_y² + γ²), by the preset's own weight and γ.
Moments score_ald_recursion(const Chain& chain, bool is_jalal, double lambda, double factor) {
    Moments moments;
    for (int step = chain.schedule.size() - 1; step >= 0; --step) {
        const double now = chain.alpha_bar(step);
        const double alpha = now / chain.alpha_bar_previous(step);
        const Ancestral at = chain.ancestral(step);
        double slope = factor * factor;
        double pull = factor * y;
        if (is_jalal) {
            const double weight = (1 - alpha) / std::sqrt(alpha) / (sigma_y * sigma_y + (1 - now) / now);
            slope *= weight / now;
            pull *= weight / std::sqrt(now);
        } else {
            const double gamma = 10 + 5 * chain.schedule.timestep(step) / 999.0;
            slope /= sigma_y * sigma_y + gamma * gamma;
            pull /= sigma_y * sigma_y + gamma * gamma;
        }
        moments.step(at.a - lambda * slope, at.b + lambda * pull, std::sqrt(at.small));
    }
    return moments;
}

TEST(GaussianOracle, ScoreAldWithEachImagesOwnNoiseIsThatNoiseForEach) {
    const operators::Shape shape{3, 4, 5};
    Chain chain("12", Predictor(Prior{}, 0.3));
    const pipeline::KeyedNoise noise(operators::NoiseStream(5), {3, 4}, {0, 0}, shape, at::kCPU);
    for (const std::string preset : {"jalal", "poster"}) {
        const auto restored = [&](double sigma, const at::Tensor& each) {
            operators::Measurement measured = measurement(2, shape, at::kFloat);
            measured.sigma_y = sigma;
            measured.sigma_each = each;
            const pipeline::SamplingProblem problem{
                .schedule = chain.schedule, .predictor = chain.predictor, .noise = noise, .measurement = measured};
            const auto settings = settings_of("score_ald", {{"preset", preset}});
            return pipeline::run_sampler(*pipeline::find_method("score_ald").make(settings, problem)).x0_hat;
        };
        const double nothing = std::numeric_limits<double>::quiet_NaN();
        const at::Tensor both = restored(nothing, at::tensor({0.1, 0.6}, at::kDouble));
        EXPECT_TRUE(both[0].allclose(restored(0.1, {})[0], 1e-4, 1e-5)) << preset;
        EXPECT_TRUE(both[1].allclose(restored(0.6, {})[1], 1e-4, 1e-5)) << preset;
        EXPECT_FALSE(both[0].allclose(restored(0.6, {})[0], 1e-4, 1e-5)) << preset;
    }
}

TEST(GaussianOracle, ScoreAldHasTheMomentsOfItsRecursion) {
    for (const bool is_jalal : {true, false}) {
        for (const double lambda : {0.0, 0.7, 1.0}) {
            Chain chain("100");
            pipeline::SamplingProblem problem = chain.problem();
            problem.measurement = measurement(Chain::batch, Chain::shape, at::kFloat);
            const auto settings =
                settings_of("score_ald", {{"preset", std::string(is_jalal ? "jalal" : "poster")}, {"lambda", lambda}});
            gaussian_oracle::expect_moments(run("score_ald", settings, problem),
                                            score_ald_recursion(chain, is_jalal, lambda, A),
                                            is_jalal ? "jalal" : "poster");
        }
    }
}

TEST(GaussianOracle, ScoreAldWithAnOperatorThatSharesItsArgumentsMemory) {
    for (const bool is_jalal : {true, false}) {
        Chain chain("100");
        pipeline::SamplingProblem problem = chain.problem();
        problem.measurement = measurement(Chain::batch, Chain::shape, at::kFloat);
        problem.measurement.A = std::make_shared<operators::Identity>(Chain::shape);
        const auto settings = settings_of("score_ald", {{"preset", std::string(is_jalal ? "jalal" : "poster")}});
        gaussian_oracle::expect_moments(run("score_ald", settings, problem), score_ald_recursion(chain, is_jalal, 1, 1),
                                        "identity");
    }
}

constexpr operators::Shape one_value{1, 1, 1};

/// DPS on images of one value, where ‖r‖ = |r|: x_{t−1} = x' + ζ sign(r) A dx̂₀/dx_t, or a step of length ζ.
double simulated_dps(const Chain& chain, const pipeline::NoiseSource& noise, std::int64_t row, double zeta, bool clip,
                     bool is_unit) {
    const auto draw = [&](operators::Purpose purpose, int level) {
        return noise.normal(purpose, level, 0)[row].item().toDouble();
    };
    double x = draw(operators::Purpose::start, 0);
    for (int step = chain.schedule.size() - 1; step >= 0; --step) {
        const double now = chain.alpha_bar(step);
        const double next = chain.alpha_bar_previous(step);
        const auto line = gaussian_oracle::estimate(Prior{}, now);
        double x0_hat = line.gain * x + line.offset;
        double derivative = line.gain;
        if (clip && std::abs(x0_hat) > 1) {
            x0_hat = std::clamp(x0_hat, -1.0, 1.0);
            derivative = 0;
        }
        const double r = y - A * x0_hat;
        double gradient = r == 0 ? 0 : -std::copysign(1.0, r) * A * derivative;
        if (is_unit && gradient != 0) gradient = std::copysign(1.0, gradient);
        if (step > 0) {
            const double alpha = now / next;
            const double variance = 1 / (1 / (1 - next) + alpha / (1 - alpha));
            const double mean = variance * (std::sqrt(next) * x0_hat / (1 - next) + std::sqrt(alpha) * x / (1 - alpha));
            x = mean + std::sqrt(variance) * draw(operators::Purpose::step, chain.schedule.timestep(step));
        } else {
            x = x0_hat;
        }
        x -= zeta * gradient;
    }
    return x;
}

TEST(GaussianOracle, DpsOnImagesOfOneValueIsItsScalarSimulation) {
    constexpr std::int64_t batch = 64;
    Chain chain("50");
    const auto keyed = gaussian_oracle::keyed_noise(1, {1, 1, batch}, 7);
    const OneValueNoise noise(keyed, at::kDouble);
    for (const bool clip : {false, true}) {
        for (const char* normalise : {"residual", "gradient"}) {
            const pipeline::SamplingProblem problem{.schedule = chain.schedule,
                                                    .predictor = chain.predictor,
                                                    .noise = noise,
                                                    .clip = clip,
                                                    .measurement = measurement(batch, one_value, at::kDouble)};
            const auto settings = settings_of("dps", {{"zeta", 0.3}, {"normalise", std::string(normalise)}});
            const at::Tensor x = run("dps", settings, problem);
            ASSERT_EQ(x.scalar_type(), at::kDouble);
            for (std::int64_t row = 0; row < batch; ++row) {
                const double expected =
                    simulated_dps(chain, noise, row, 0.3, clip, std::string(normalise) == "gradient");
                EXPECT_NEAR(x[row].item().toDouble(), expected, 1e-9) << "row " << row << ", clip " << clip;
            }
        }
    }
}

TEST(Dps, ZetaInThePapersUnitIsTwiceTheCodes) {
    constexpr std::int64_t batch = 16;
    Chain chain("20");
    const auto noise = gaussian_oracle::keyed_noise(batch, one_value);
    const pipeline::SamplingProblem problem{.schedule = chain.schedule,
                                            .predictor = chain.predictor,
                                            .noise = noise,
                                            .measurement = measurement(batch, one_value, at::kFloat)};
    const at::Tensor code =
        run("dps", settings_of("dps", {{"zeta", 0.5}, {"zeta-unit", std::string("code")}}), problem);
    const at::Tensor paper =
        run("dps", settings_of("dps", {{"zeta", 0.25}, {"zeta-unit", std::string("paper")}}), problem);
    EXPECT_TRUE(code.equal(paper));
    const at::Tensor preset =
        run("dps", settings_of("dps", {{"zeta", 0.25}, {"preset", std::string("paper")}}), problem);
    EXPECT_TRUE(code.equal(preset));
}

TEST(Dps, GradientIsZeroWhereTheResidualIs) {
    Chain chain("20");
    const auto noise = gaussian_oracle::keyed_noise(2, one_value);
    const pipeline::SamplingProblem problem{
        .schedule = chain.schedule,
        .predictor = chain.predictor,
        .noise = noise,
        .measurement = {at::full({2, 1, 1, 1}, 0.0), std::make_shared<gaussian_oracle::Scaling>(0.0, one_value), 0.0}};
    const auto sampler = pipeline::find_method("dps").make(settings_of("dps", {{"zeta", 0.3}}), problem);
    pipeline::SamplerState state = sampler->start();
    pipeline::StepTrace trace;
    sampler->step(state, sampler->levels().front(), &trace);
    EXPECT_EQ(trace.residual_norm.abs().max().item().toDouble(), 0);
    EXPECT_EQ(trace.gradient.abs().max().item().toDouble(), 0);
    EXPECT_TRUE(state.x_t.isfinite().all().item().toBool());
}

TEST(Dps, AloneAsksForAGradient) {
    for (const pipeline::MethodEntry& entry : pipeline::method_table()) {
        Chain chain("10");
        const auto noise = gaussian_oracle::keyed_noise(2, one_value);
        pipeline::SamplingProblem problem{.schedule = chain.schedule,
                                          .predictor = chain.predictor,
                                          .noise = noise,
                                          .measurement = measurement(2, one_value, at::kFloat)};
        problem.truth = problem.measurement.y;
        const at::Tensor x = run(entry.name, settings_of(entry.name), problem);
        EXPECT_FALSE(x.requires_grad()) << entry.name;
        EXPECT_EQ(chain.predictor.differentiable_calls(), entry.name == "dps" ? 10 : 0) << entry.name;
    }
}

/// The scalar sanity run that the field's formulas were measured on: T = 1000, unclipped, 4000 draws or more.
TEST(GaussianOracle, ScalarSanityRunReproducesTheTable) {
    struct Row {
        const char* method;
        std::vector<std::pair<std::string, operators::Value>> changes;
        double mean, variance;
    };
    const std::vector<Row> table = {{"ddpm", {}, .181, .242},
                                    {"score_ald", {{"preset", std::string("jalal")}}, .433, .066},
                                    {"score_ald", {{"preset", std::string("poster")}}, .460, .057},
                                    {"dps", {{"zeta", 0.3}}, .627, .019}};
    constexpr std::int64_t batch = 20000;
    constexpr double fewest_draws = 4000;
    const Chain chain("1000");
    const auto keyed = gaussian_oracle::keyed_noise(1, {1, 1, batch});
    const OneValueNoise noise(keyed, at::kFloat);
    for (const Row& row : table) {
        Predictor predictor(Prior{});
        const pipeline::SamplingProblem problem{.schedule = chain.schedule,
                                                .predictor = predictor,
                                                .noise = noise,
                                                .clip = false,
                                                .measurement = measurement(batch, one_value, at::kFloat)};
        const at::Tensor x = run(row.method, settings_of(row.method, row.changes), problem).to(at::kDouble);
        const double mean = x.mean().item().toDouble();
        const double variance = x.var().item().toDouble();
        // Both runs are Monte Carlo, and the table is printed to three digits
        const double draws = 1 / (1 / fewest_draws + 1 / static_cast<double>(batch));
        EXPECT_NEAR(mean, row.mean, 4 * std::sqrt(row.variance / draws) + 5e-4) << row.method;
        EXPECT_NEAR(variance, row.variance, 4 * row.variance * std::sqrt(2 / draws) + 5e-4) << row.method;
        std::printf("  %-10s mean %.4f (%.3f), variance %.4f (%.3f)\n", row.method, mean, row.mean, variance,
                    row.variance);
    }
}

}  // namespace
