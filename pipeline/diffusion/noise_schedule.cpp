#include "pipeline/diffusion/noise_schedule.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>

namespace pipeline {

std::string_view to_string(VarianceKind kind) {
    switch (kind) {
        case VarianceKind::fixed_small:
            return "fixed_small";
        case VarianceKind::fixed_large:
            return "fixed_large";
        case VarianceKind::learned_range:
            return "learned_range";
    }
    throw std::invalid_argument("variance: " + std::to_string(static_cast<int>(kind)) + " is no kind of variance");
}

VarianceKind parse_variance(std::string_view name) {
    for (const VarianceKind kind :
         {VarianceKind::fixed_small, VarianceKind::fixed_large, VarianceKind::learned_range}) {
        if (name == to_string(kind)) return kind;
    }
    throw std::invalid_argument("variance: '" + std::string(name) +
                                "' is not one of fixed_small, fixed_large, learned_range");
}

NoiseSchedule::NoiseSchedule(std::vector<double> betas, std::vector<int> timesteps, int original_size)
    : betas_(std::move(betas)), timesteps_(std::move(timesteps)), original_size_(original_size) {
    if (betas_.empty()) throw std::invalid_argument("noise schedule: it has no steps, expected at least 1");
    for (std::size_t i = 0; i < betas_.size(); ++i) {
        // Written so that NaN is refused too.
        if (!(betas_[i] > 0.0 && betas_[i] <= 1.0)) {
            throw std::invalid_argument("noise schedule: beta is " + std::to_string(betas_[i]) + " at step " +
                                        std::to_string(i) + ", expected 0 < beta <= 1");
        }
    }
    alpha_bars_.reserve(betas_.size());
    double alpha_bar = 1.0;
    for (const double beta : betas_) alpha_bars_.push_back(alpha_bar *= 1.0 - beta);
}

namespace {

/// `steps` numbers from `first` to `last` at equal distances; both ends exact.
std::vector<double> evenly(int steps, double first, double last) {
    if (steps < 1) throw std::invalid_argument("noise schedule: " + std::to_string(steps) + " steps, expected >= 1");
    const double stride = steps > 1 ? (last - first) / (steps - 1) : 0.0;
    std::vector<double> values;
    for (int t = 0; t < steps; ++t) values.push_back(t * stride + first);
    if (steps > 1) values.back() = last;
    return values;
}

}  // namespace

NoiseSchedule NoiseSchedule::linear(int steps) {
    if (steps < 1) throw std::invalid_argument("noise schedule: " + std::to_string(steps) + " steps, expected >= 1");
    const double scale = 1000.0 / steps;
    return linear(steps, scale * 1e-4, scale * 0.02);
}

NoiseSchedule NoiseSchedule::linear(int steps, double first, double last) {
    return from_betas(evenly(steps, first, last));
}

NoiseSchedule NoiseSchedule::scaled_linear(int steps, double first, double last) {
    std::vector<double> betas = evenly(steps, std::sqrt(first), std::sqrt(last));
    for (double& beta : betas) beta *= beta;
    return from_betas(std::move(betas));
}

NoiseSchedule NoiseSchedule::sigmoid(int steps, double first, double last) {
    std::vector<double> betas = evenly(steps, -6, 6);
    for (double& beta : betas) beta = first + (last - first) / (1.0 + std::exp(-beta));
    return from_betas(std::move(betas));
}

NoiseSchedule NoiseSchedule::cosine(int steps) {
    if (steps < 1) throw std::invalid_argument("noise schedule: " + std::to_string(steps) + " steps, expected >= 1");
    const auto alpha_bar = [](double fraction) {
        const double root = std::cos((fraction + 0.008) / 1.008 * std::numbers::pi / 2);
        return root * root;
    };
    std::vector<double> betas;
    for (int t = 0; t < steps; ++t) {
        const double ratio = alpha_bar(static_cast<double>(t + 1) / steps) / alpha_bar(static_cast<double>(t) / steps);
        betas.push_back(std::min(1.0 - ratio, 0.999));
    }
    return from_betas(std::move(betas));
}

NoiseSchedule NoiseSchedule::from_betas(std::vector<double> betas) {
    const int size = static_cast<int>(betas.size());
    std::vector<int> timesteps(betas.size());
    for (int t = 0; t < size; ++t) timesteps[t] = t;
    return {std::move(betas), std::move(timesteps), size};
}

NoiseSchedule NoiseSchedule::respaced(const std::vector<int>& timesteps) const {
    std::vector<double> betas;
    std::vector<int> kept;
    int previous = -1;
    double alpha_bar_before = 1.0;
    for (const int i : timesteps) {
        if (i <= previous || i >= size()) {
            throw std::invalid_argument("noise schedule: timestep " + std::to_string(i) + " after " +
                                        std::to_string(previous) + ", expected ascending timesteps below " +
                                        std::to_string(size()));
        }
        betas.push_back(1.0 - alpha_bars_[i] / alpha_bar_before);
        kept.push_back(timesteps_[i]);
        alpha_bar_before = alpha_bars_[i];
        previous = i;
    }
    return {std::move(betas), std::move(kept), original_size_};
}

double NoiseSchedule::sigma(int i) const {
    return std::sqrt((1.0 - alpha_bar(i)) / alpha_bar(i));
}

double NoiseSchedule::posterior_mean_x0(int i) const {
    return beta(i) * std::sqrt(alpha_bar_previous(i)) / (1.0 - alpha_bar(i));
}

double NoiseSchedule::posterior_mean_xt(int i) const {
    return (1.0 - alpha_bar_previous(i)) * std::sqrt(alpha(i)) / (1.0 - alpha_bar(i));
}

double NoiseSchedule::posterior_variance(int i) const {
    return beta(i) * (1.0 - alpha_bar_previous(i)) / (1.0 - alpha_bar(i));
}

double NoiseSchedule::posterior_log_variance_clipped(int i) const {
    if (size() == 1) return std::log(beta(0));
    return std::log(posterior_variance(std::max(i, 1)));
}

double NoiseSchedule::log_variance_fixed_large(int i) const {
    return i == 0 ? posterior_log_variance_clipped(0) : std::log(beta(i));
}

}  // namespace pipeline
