#include "pipeline/diffusion/ancestral_step.h"

#include <ATen/ops/mul.h>

#include <cmath>
#include <stdexcept>

namespace pipeline {

namespace {

/// σ_t z with log σ_t² = f log β_t + (1−f) log β̃_t, f = (v+1)/2; v is not clamped (Nichol & Dhariwal 2021, eq. 15).
at::Tensor learned_range_noise(const NoiseSchedule& schedule, int step, const at::Tensor& variance_fraction,
                               const at::Tensor& z) {
    if (!variance_fraction.defined()) {
        throw std::invalid_argument("variance: learned_range needs a checkpoint that predicts the variance");
    }
    const double log_large = std::log(schedule.beta(step));
    const double log_small = schedule.posterior_log_variance_clipped(step);
    // log σ_t = ½ log σ_t², as one line in v.
    at::Tensor sigma = at::mul(variance_fraction, 0.25 * (log_large - log_small)).add_(0.25 * (log_large + log_small));
    return sigma.exp_().mul_(z);
}

}  // namespace

at::Tensor ancestral_step(const NoiseSchedule& schedule, int step, VarianceKind variance, const at::Tensor& x_t,
                          const at::Tensor& x0_hat, const at::Tensor& variance_fraction, const at::Tensor& z) {
    at::Tensor x_previous =
        at::mul(x0_hat, schedule.posterior_mean_x0(step)).add_(x_t, schedule.posterior_mean_xt(step));
    if (step == 0) return x_previous;
    switch (variance) {
        case VarianceKind::fixed_small:
            return x_previous.add_(z, std::sqrt(schedule.posterior_variance(step)));
        case VarianceKind::fixed_large:
            return x_previous.add_(z, std::exp(0.5 * schedule.log_variance_fixed_large(step)));
        case VarianceKind::learned_range:
            return x_previous.add_(learned_range_noise(schedule, step, variance_fraction, z));
    }
    throw std::invalid_argument("variance: not a kind of variance");
}

}  // namespace pipeline
