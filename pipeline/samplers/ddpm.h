#pragma once

#include <array>
#include <memory>

#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/step_numbers.h"

namespace pipeline {

/// DDPM has no settings of its own: the variance and the clamp are the run's.
inline constexpr std::array<operators::Option, 0> ddpm_options = {};

/// Ancestral sampling from pure noise: Algorithm 2 of Ho et al., NeurIPS 2020 (arXiv:2006.11239).
///
/// x_{t−1} = c₁ x̂₀ + c₂ x_t + σ_t z, t = T−1 … 0, with the posterior mean of q(x_{t−1} | x_t, x̂₀) and x̂₀ clamped.
class Ddpm final : public Sampler {
  public:
    explicit Ddpm(const SamplingProblem& problem);

    std::string_view name() const override { return "ddpm"; }
    std::vector<Level> levels() const override;
    SamplerState start() const override;
    void step(SamplerState& state, const Level& level, StepTrace* trace) const override;
    bool is_capturable() const override { return true; }
    std::vector<at::Tensor> tensors() const override { return step_tensors(problem_, numbers_); }

  private:
    SamplingProblem problem_;
    StepNumbers numbers_;
};

/// One call for every step of the chain: of every method that runs the whole chain once.
int whole_chain_calls(const operators::Settings& settings, const NoiseSchedule& schedule);
std::unique_ptr<Sampler> make_ddpm(const operators::Settings& settings, const SamplingProblem& problem);

}  // namespace pipeline
