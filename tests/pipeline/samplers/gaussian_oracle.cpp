#include "tests/pipeline/samplers/gaussian_oracle.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <cmath>
#include <numeric>

namespace gaussian_oracle {

const std::vector<double>& alpha_bars() {
    static const std::vector<double> values = [] {
        std::vector<double> products;
        double product = 1;
        for (int t = 0; t < 1000; ++t) products.push_back(product *= 1 - (1e-4 + (0.02 - 1e-4) * t / 999.0));
        return products;
    }();
    return values;
}

Estimate estimate(const Prior& prior, double alpha_bar) {
    const double variance = prior.std * prior.std;
    const double gain = std::sqrt(alpha_bar) * variance / (alpha_bar * variance + 1 - alpha_bar);
    return {.gain = gain, .offset = prior.mean * (1 - gain * std::sqrt(alpha_bar))};
}

pipeline::Prediction Predictor::predict(const at::Tensor& x_t, const pipeline::Timestep& timestep) {
    const double alpha_bar = alpha_bars()[static_cast<int>(timestep.value())];
    const double slope = std::sqrt(1 - alpha_bar) / (alpha_bar * prior_.std * prior_.std + 1 - alpha_bar);
    pipeline::Prediction prediction{.epsilon = (x_t - std::sqrt(alpha_bar) * prior_.mean) * slope,
                                    .variance_fraction = {}};
    if (has_variance_) prediction.variance_fraction = at::full_like(x_t, variance_fraction_);
    return prediction;
}

pipeline::DifferentiablePrediction Predictor::predict_differentiably(const at::Tensor& x_t,
                                                                     const pipeline::Timestep& timestep) {
    ++differentiable_calls_;
    const double alpha_bar = alpha_bars()[static_cast<int>(timestep.value())];
    const double slope = std::sqrt(1 - alpha_bar) / (alpha_bar * prior_.std * prior_.std + 1 - alpha_bar);
    return {.prediction = predict(x_t, timestep), .vjp = [slope](const at::Tensor& w) { return w * slope; }};
}

at::Tensor OneValueNoise::normal(operators::Purpose purpose, int level, int inner) const {
    return inner_.normal(purpose, level, inner).to(type_).view({-1, 1, 1, 1});
}

pipeline::KeyedNoise keyed_noise(std::int64_t count, const operators::Shape& shape, std::uint64_t seed) {
    std::vector<std::uint64_t> images(static_cast<std::size_t>(count));
    std::iota(images.begin(), images.end(), 0);
    return {operators::NoiseStream(seed), images, std::vector<std::uint32_t>(images.size(), 0), shape, at::kCPU};
}

void expect_moments(const at::Tensor& x, const Moments& expected, std::string_view what) {
    const at::Tensor values = x.to(at::kDouble);
    const auto count = static_cast<double>(values.numel());
    const double mean = values.mean().item().toDouble();
    const double variance = (values - mean).square().sum().item().toDouble() / (count - 1);
    EXPECT_LE(std::abs(mean - expected.mean), 4 * std::sqrt(expected.variance / count))
        << what << ": mean " << mean << ", expected " << expected.mean;
    EXPECT_LE(std::abs(variance - expected.variance), 4 * expected.variance * std::sqrt(2 / (count - 1)))
        << what << ": variance " << variance << ", expected " << expected.variance;
}

Ancestral ancestral(const Prior& prior, double alpha_bar, double alpha_bar_previous) {
    const Estimate x0_hat = estimate(prior, alpha_bar);
    // The last step goes to the estimate itself
    if (alpha_bar_previous == 1) return {.a = x0_hat.gain, .b = x0_hat.offset};
    const double alpha = alpha_bar / alpha_bar_previous;
    const double from_estimate = std::sqrt(alpha_bar_previous) / (1 - alpha_bar_previous);
    const double from_x_t = std::sqrt(alpha) / (1 - alpha);
    const double variance = 1 / (1 / (1 - alpha_bar_previous) + alpha / (1 - alpha));
    return {.a = variance * (from_estimate * x0_hat.gain + from_x_t),
            .b = variance * from_estimate * x0_hat.offset,
            .small = variance,
            .large = 1 - alpha};
}

}  // namespace gaussian_oracle
