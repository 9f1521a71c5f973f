#pragma once

#include <array>
#include <memory>

#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/step_numbers.h"

namespace pipeline {

struct DdimSettings {
    double eta = 0;  ///< Share of the ancestral noise: 0 is deterministic, 1 is DDPM with `fixed_small`.
};

inline constexpr std::array ddim_options = {
    operators::Option{.name = "eta",
                      .type = operators::OptionType::real,
                      .default_text = "0",
                      .minimum = 0,
                      .maximum = 1,
                      .is_axis = true,
                      .help = "Share of the ancestral noise: 0 is deterministic, 1 is DDPM with fixed_small.",
                      .paper = "Song et al. 2021, eq. 16"},
};

/// Denoising diffusion implicit models: eq. 12 of Song et al., ICLR 2021 (arXiv:2010.02502).
///
/// x_{t−1} = √ᾱ_{t−1} x̂₀ + √(1−ᾱ_{t−1}−s_t²) ε + s_t z, s_t = η √((1−ᾱ_{t−1})/(1−ᾱ_t)) √(1−ᾱ_t/ᾱ_{t−1}). As in the
/// field's reference, ε is recomputed from the clamped x̂₀, so that the two agree with x_t; a learned variance is not
/// used.
class Ddim final : public Sampler {
  public:
    Ddim(const SamplingProblem& problem, const DdimSettings& settings);

    std::string_view name() const override { return "ddim"; }
    std::vector<Level> levels() const override;
    SamplerState start() const override;
    void step(SamplerState& state, const Level& level, StepTrace* trace) const override;

  private:
    SamplingProblem problem_;
    StepNumbers numbers_;
    DdimSettings settings_;
};

std::unique_ptr<Sampler> make_ddim(const operators::Settings& settings, const SamplingProblem& problem);

}  // namespace pipeline
