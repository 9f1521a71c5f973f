#include "pipeline/samplers/norm_matched.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include "tests/pipeline/samplers/oracle_chain.h"

namespace {

using gaussian_oracle::Chain;
using gaussian_oracle::Moments;
using gaussian_oracle::Prior;

/// σ at a real timestep: log σ linear between the table's entries.
double sigma_at(double timestep) {
    const auto& alpha_bars = gaussian_oracle::alpha_bars();
    const auto below = std::min(static_cast<std::size_t>(timestep), alpha_bars.size() - 2);
    const double fraction = timestep - static_cast<double>(below);
    const auto log_sigma = [&](std::size_t t) { return 0.5 * std::log((1 - alpha_bars[t]) / alpha_bars[t]); };
    return std::exp((1 - fraction) * log_sigma(below) + fraction * log_sigma(below + 1));
}

/// The best ε for x₀ ~ N(μ, s²) at any real timestep: u = x_t/√ᾱ is N(μ, s² + σ²), and ε = σ (u − μ)/(s² + σ²).
class RealTimePredictor final : public pipeline::NoisePredictor {
  public:
    pipeline::Prediction predict(const at::Tensor& x_t, const pipeline::Timestep& timestep) override {
        ++calls;
        const double sigma = sigma_at(timestep.value());
        const at::Tensor u = x_t * std::sqrt(1 + sigma * sigma);
        return {(u - prior.mean) * (sigma / (prior.std * prior.std + sigma * sigma)), {}};
    }
    pipeline::DifferentiablePrediction predict_differentiably(const at::Tensor&, const pipeline::Timestep&) override {
        throw std::logic_error("not asked for");
    }
    bool has_learned_variance() const override { return false; }

    Prior prior;
    int calls = 0;
};

struct Setting {
    pipeline::NoiseSchedule schedule = pipeline::NoiseSchedule::linear(1000);
    RealTimePredictor predictor;
    pipeline::KeyedNoise noise = gaussian_oracle::keyed_noise(Chain::batch, Chain::shape);

    pipeline::SamplingProblem problem(double y, double factor) {
        pipeline::SamplingProblem made{.schedule = schedule, .predictor = predictor, .noise = noise};
        made.measurement = {at::full({Chain::batch, 3, 72, 72}, y),
                            std::make_shared<gaussian_oracle::Scaling>(factor, Chain::shape), 0.05};
        return made;
    }
};

}  // namespace

TEST(NormMatched, LevelsAndStepsAreThePublished) {
    Setting setting;
    const pipeline::NormMatched sampler(setting.problem(0, 1), {});
    // 232 to 0.0066 on [0, 1], of 2311 levels the last 1155, three steps each
    EXPECT_NEAR(sampler.sigma(0), 2 * 0.0066, 1e-12);
    EXPECT_NEAR(sampler.sigma(2310), 2 * 232.0, 1e-9);
    EXPECT_NEAR(sampler.sigma(5) / sampler.sigma(4), std::pow(232 / 0.0066, 1.0 / 2310), 1e-12);
    int calls = 0;
    for (const pipeline::Level& level : sampler.levels()) calls += level.network_calls;
    EXPECT_EQ(calls, 3465);
    const auto settings = gaussian_oracle::settings_of("score_ald", {{"preset", std::string("norm_matched")}});
    EXPECT_EQ(pipeline::find_method("score_ald").network_calls(settings, setting.schedule), 3465);
    for (const int level : {0, 100, 700, 1154}) {
        EXPECT_NEAR(sigma_at(sampler.timestep(sampler.sigma(level))), sampler.sigma(level),
                    1e-9 * sampler.sigma(level));
    }
}

TEST(NormMatched, WithoutPullIsLangevinOnTheGaussianToTheLetter) {
    Setting setting;
    const int levels = 60, inner = 2;
    const auto settings = gaussian_oracle::settings_of("score_ald", {{"preset", std::string("norm_matched")},
                                                                     {"match", 0.0},
                                                                     {"levels", std::int64_t{levels}},
                                                                     {"inner", std::int64_t{inner}},
                                                                     {"step-size", 2e-5}});
    const at::Tensor u = gaussian_oracle::run("score_ald", settings, setting.problem(0.4, 1));
    EXPECT_EQ(setting.predictor.calls, levels * inner);

    // u ← u + h s + √(2h) z with s = −(u − μ)/(s² + σ²), from a uniform start of mean 0 and variance 1/3
    const Prior prior;
    Moments moments{0, 1.0 / 3};
    for (int level = levels - 1; level >= 0; --level) {
        const double relative = std::pow(232 / 0.0066, level / 2310.0);
        const double sigma = 2 * 0.0066 * relative, h = 4 * 2e-5 * relative * relative;
        const double rate = h / (prior.std * prior.std + sigma * sigma);
        for (int i = 0; i < inner; ++i) moments.step(1 - rate, rate * prior.mean, std::sqrt(2 * h));
    }
    gaussian_oracle::expect_moments(u, moments, "norm_matched without pull");
}

TEST(NormMatched, PullHasTheScoresLengthPerImage) {
    Setting setting;
    const double y = 0.9, factor = 0.5, match = 3, step_size = 5e-5;
    const pipeline::NormMatched sampler(
        setting.problem(y, factor), {.levels = 300, .inner = 1, .step_size = step_size, .match = match, .lambda = 0.5});
    at::Tensor u = at::randn({Chain::batch, 3, 72, 72});
    u[1].mul_(7);  // an image whose norms are others
    pipeline::SamplerState state{.x_t = u, .tensors = {}};
    sampler.step(state, {.step = 120, .network_calls = 1}, nullptr);

    const Prior prior;
    const double relative = std::pow(232 / 0.0066, 120 / 2310.0);
    const double sigma = 2 * 0.0066 * relative, h = 4 * step_size * relative * relative;
    const at::Tensor z = setting.noise.normal(operators::Purpose::step, 120, 0);
    for (std::int64_t image = 0; image < Chain::batch; ++image) {
        const at::Tensor x = u[image].to(at::kDouble);
        const at::Tensor s = (prior.mean - x) / (prior.std * prior.std + sigma * sigma);
        at::Tensor g = factor * (factor * x - y);
        g = g * (s.norm() * match / g.norm());
        const at::Tensor expected = x + h * (s - 0.5 * g) + std::sqrt(2 * h) * z[image].to(at::kDouble);
        EXPECT_LT((state.x_t[image] - expected).abs().max().item<double>(), 2e-4) << image;
    }
}

TEST(NormMatched, ChainsThatDoNotHoldTheLevelsAreRefused) {
    Setting setting;
    setting.schedule = pipeline::NoiseSchedule::linear(1000).respaced({100, 500, 999});
    EXPECT_THROW(pipeline::NormMatched(setting.problem(0, 1), {}), std::invalid_argument);
}
