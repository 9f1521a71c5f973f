#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/samplers/sampler.h"
#include "pipeline/samplers/step_numbers.h"

namespace pipeline {

/// Steps count−1 … 0 of the chain, one network call each.
std::vector<Level> levels_below(int count, int repeat = 0);

/// x_T ~ N(0, I), where a chain starts from pure noise.
at::Tensor pure_noise(const SamplingProblem& problem);

/// z ~ N(0, I) for one level in the dtype of `like`; undefined at step 0, which adds no noise.
at::Tensor step_noise(const SamplingProblem& problem, const StepNumbers& numbers, const Level& level,
                      const at::Tensor& like);

/// v where the problem samples with the learned variance, undefined otherwise.
at::Tensor sampled_variance(const SamplingProblem& problem, const at::Tensor& variance_fraction);

/// x̂₀ clamped to [−1, 1] where the problem clips, as it is otherwise.
at::Tensor clipped(const SamplingProblem& problem, const at::Tensor& x0_hat);

/// One DDPM step of the problem's chain: network call, x̂₀, clamp, posterior mean, noise. Gives x_{t−1}.
/// @param trace  receives x̂₀; may be null
at::Tensor ddpm_step(const SamplingProblem& problem, const StepNumbers& numbers, const Level& level,
                     const at::Tensor& x_t, StepTrace* trace);

/// ‖r‖ per image, the root of the sum of squares: r [N, …] → [N], float64, so that it does not depend on how a sum is
/// split.
at::Tensor norm_per_image(const at::Tensor& r);

/// Refuses a problem that a sampler cannot run, in one line that begins with its name.
/// @throws std::invalid_argument  where `learned_range` meets a network without a learned variance
void check_variance(std::string_view method, const SamplingProblem& problem);
/// @throws std::invalid_argument  where there is no measurement
void check_measurement(std::string_view method, const SamplingProblem& problem);

}  // namespace pipeline
