#include "pipeline/samplers/dps.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "pipeline/samplers/ancestral_level.h"
#include "pipeline/samplers/kernels/sampler_updates.h"

namespace pipeline {

namespace {

/// v/n per image, 0 where the norm n [N] is 0.
at::Tensor divided_per_image(const at::Tensor& v, const at::Tensor& norm) {
    const at::Tensor inverse = at::where(norm == 0, at::zeros_like(norm), norm.reciprocal());
    return v.mul(inverse.to(v.scalar_type()).view({-1, 1, 1, 1}));
}

/// The mean of 1/|y| per image over the entries that are not 0, [N, 1, 1, 1].
at::Tensor mean_inverse(const at::Tensor& y) {
    const at::Tensor magnitude = y.to(at::kDouble).abs().flatten(1);
    const at::Tensor is_counted = magnitude > 0;
    const at::Tensor inverse = at::where(is_counted, magnitude.reciprocal(), at::zeros_like(magnitude));
    return (inverse.sum(1) / is_counted.sum(1).clamp_min(1)).view({-1, 1, 1, 1});
}

}  // namespace

Dps::Dps(const SamplingProblem& problem, const DpsSettings& settings)
    : problem_(problem), numbers_(problem), settings_(settings) {
    check_variance(name(), problem_);
    check_measurement(name(), problem_);
}

std::vector<Level> Dps::levels() const {
    return levels_below(problem_.schedule.size());
}

SamplerState Dps::start() const {
    return {.x_t = pure_noise(problem_), .tensors = {}};
}

void Dps::step(SamplerState& state, const Level& level, StepTrace* trace) const {
    const operators::MeasurementOperator& A = *problem_.measurement.A;
    const at::Tensor &x_t = state.x_t, &table = numbers_.table(), row = numbers_.row(level);

    // x' = DDPM(x_t), keeping what the gradient needs
    const DifferentiablePrediction network = problem_.predictor.predict_differentiably(x_t, numbers_.timestep(level));
    const auto& [epsilon, variance_fraction] = network.prediction;
    const auto [x_prime, x0_hat] =
        ancestral_update(x_t, epsilon, sampled_variance(problem_, variance_fraction),
                         step_noise(problem_, numbers_, level, x_t), table, row, problem_.clip);

    // ∇_{x̂₀}‖r‖ = −J_Aᵀ r/‖r‖; with photon noise the norm is mean(‖r‖/|y|), the residual's by the mean of 1/|y|
    const at::Tensor residual = problem_.measurement.y - A.forward(x0_hat);
    const at::Tensor norm = norm_per_image(residual);
    at::Tensor unit_residual = divided_per_image(residual.neg(), norm);
    if (problem_.measurement.poisson_rate > 0) {
        unit_residual = unit_residual.mul(mean_inverse(problem_.measurement.y).to(residual.scalar_type()));
    }
    at::Tensor g = A.vjp(x0_hat, unit_residual);

    // Through the clamp, which passes a gradient up to its bounds, bounds included
    if (problem_.clip) g = clamp_vjp(g, x_t, epsilon, table, row);

    // Through x̂₀ = a x_t − b ε(x_t): ∇ = a g − b (∂ε/∂x_t)ᵀ g
    const at::Tensor network_vjp = network.vjp(g);
    const bool is_unit = settings_.normalise == DpsNormalise::gradient;
    at::Tensor gradient;
    if (is_unit || trace != nullptr) gradient = dps_update(at::zeros_like(g), g, network_vjp, table, row, -1.0);
    state.x_t = is_unit ? x_prime.sub(divided_per_image(gradient, norm_per_image(gradient)), settings_.zeta)
                        : dps_update(x_prime, g, network_vjp, table, row, settings_.zeta);
    if (trace != nullptr) *trace = {.x0_hat = x0_hat, .residual_norm = norm, .gradient = gradient};
}

std::unique_ptr<Sampler> make_dps(const operators::Settings& settings, const SamplingProblem& problem) {
    const double code_units = settings.is_word("zeta-unit", "paper") ? 2.0 : 1.0;
    return std::make_unique<Dps>(
        problem, DpsSettings{.zeta = code_units * settings.real("zeta"),
                             .normalise = settings.is_word("normalise", "gradient") ? DpsNormalise::gradient
                                                                                    : DpsNormalise::residual});
}

}  // namespace pipeline
