#include "pipeline/samplers/ancestral_level.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <stdexcept>
#include <string>

#include "pipeline/samplers/kernels/sampler_updates.h"

namespace pipeline {

std::vector<Level> levels_below(int count, int repeat) {
    std::vector<Level> levels;
    levels.reserve(count);
    for (int step = count - 1; step >= 0; --step) levels.push_back({.step = step, .repeat = repeat});
    return levels;
}

at::Tensor pure_noise(const SamplingProblem& problem) {
    return problem.noise.normal(operators::Purpose::start, 0, 0);
}

at::Tensor step_noise(const SamplingProblem& problem, const StepNumbers& numbers, const Level& level,
                      const at::Tensor& like) {
    if (level.place.defined()) {
        // Anywhere: at step 0 the noise is multiplied with 0
        const at::Tensor timestep = numbers.noise_level(level);
        return problem.noise.normal_at(operators::Purpose::step, timestep, level.repeat).to(like.options());
    }
    if (level.step == 0) return {};
    const int timestep = problem.schedule.timestep(level.step);
    return problem.noise.normal(operators::Purpose::step, timestep, level.repeat).to(like.options());
}

at::Tensor clipped(const SamplingProblem& problem, const at::Tensor& x0_hat) {
    return problem.clip ? x0_hat.clamp(-1.0, 1.0) : x0_hat;
}

at::Tensor ddpm_step(const SamplingProblem& problem, const StepNumbers& numbers, const Level& level,
                     const at::Tensor& x_t, StepTrace* trace) {
    const Prediction prediction = problem.predictor.predict(x_t, numbers.timestep(level));
    const auto [x_previous, x0_hat] =
        ancestral_update(x_t, prediction.epsilon, sampled_variance(problem, prediction.variance_fraction),
                         step_noise(problem, numbers, level, x_t), numbers.table(), numbers.row(level), problem.clip);
    if (trace != nullptr) trace->x0_hat = x0_hat;
    return x_previous;
}

at::Tensor sampled_variance(const SamplingProblem& problem, const at::Tensor& variance_fraction) {
    return problem.variance == VarianceKind::learned_range ? variance_fraction : at::Tensor();
}

at::Tensor norm_per_image(const at::Tensor& r) {
    return at::linalg_vector_norm(r.flatten(1), 2, at::IntArrayRef{1}, /*keepdim=*/false, at::kDouble);
}

void check_variance(std::string_view method, const SamplingProblem& problem) {
    if (problem.variance == VarianceKind::learned_range && !problem.predictor.has_learned_variance()) {
        throw std::invalid_argument(std::string(method) +
                                    ": variance learned_range needs a checkpoint with a learned variance, allowed are "
                                    "fixed_small and fixed_large");
    }
}

void check_measurement(std::string_view method, const SamplingProblem& problem) {
    if (problem.measurement.A == nullptr || !problem.measurement.y.defined()) {
        throw std::invalid_argument(std::string(method) + ": there is no measurement to restore from");
    }
}

}  // namespace pipeline
