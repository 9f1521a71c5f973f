#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/diffusion/noise_schedule.h"
#include "pipeline/diffusion/timestep.h"
#include "pipeline/samplers/sampler.h"

namespace pipeline {

/// The numbers of every level of a chain as tables on the images' device, so that a step names a row of them instead of
/// carrying numbers of its own: captured once, it can be replayed at every level.
class StepNumbers {
  public:
    /// @param variance  what the step samples with; the learned one where the network gives it
    StepNumbers(const NoiseSchedule& schedule, VarianceKind variance, at::Device device);
    explicit StepNumbers(const SamplingProblem& problem)
        : StepNumbers(problem.schedule, problem.variance, problem.device) {}

    /// The row of a level, 0-dim int64: where the level says that its number lies, or that very number.
    at::Tensor row(const Level& level) const;
    /// What the network is asked with.
    Timestep timestep(const Level& level) const;
    /// The timestep as a key of noise, 0-dim int64.
    at::Tensor noise_level(const Level& level) const;

    /// (a, b, c₁, c₂, s₀, s₁) by step, float64 [T, 6], as `ancestral_update` takes it: x̂₀ = a x_t − b ε, the posterior
    /// mean c₁ x̂₀ + c₂ x_t, and σ_t = s₀, or exp(s₀ + s₁ v) for `learned_range` (Nichol & Dhariwal 2021, eq. 15).
    /// σ_t = 0 at step 0.
    const at::Tensor& table() const { return table_; }

    /// All of them, for `Sampler::tensors`.
    std::vector<at::Tensor> tensors() const { return {table_, steps_, timesteps_, noise_levels_}; }

  private:
    at::Tensor table_;
    at::Tensor steps_;         ///< 0, 1, …: int64 [T]
    at::Tensor timesteps_;     ///< float64 [T]
    at::Tensor noise_levels_;  ///< int64 [T]
    const NoiseSchedule& schedule_;
};

/// What a step of the problem reads, whatever its method: tables, keys of noise, y and what A holds.
std::vector<at::Tensor> step_tensors(const SamplingProblem& problem, const StepNumbers& numbers);

/// Row `row` of a table [T], 0-dim, read on its device.
at::Tensor at_row(const at::Tensor& table, const at::Tensor& row);

}  // namespace pipeline
