#pragma once

#include <vector>

#include "pipeline/samplers/sampler.h"

namespace pipeline {

/// The settings of ScoreALD's preset `norm_matched`, published values as defaults (σ and h₀ there are for images on [0,
/// 1]).
struct NormMatchedSettings {
    int levels = 1155;        ///< Geometric noise levels that are run.
    int inner = 3;            ///< Langevin steps a level.
    double step_size = 5e-5;  ///< h₀.
    double match = 5;         ///< m: the likelihood's pull in units of the score's norm; 0 is Langevin without y.
    double lambda = 1;        ///< Factor of that pull.
};

/// Annealed Langevin dynamics as Jalal et al. 2021 (CSGM) and Jalal et al.'s instance-optimal code run it, with a DDPM
/// network: in variance-exploding coordinates u = x_t/√ᾱ_t at geometric levels σ_k,
///
///     s = (D(u, σ) − u)/σ² = −ε(x_t, t)/σ,   g = A*(A u − y),   g ← g/‖g‖ · ‖s‖ · m
///     u ← u + h (s − λ g) + √(2 h) z,        h = h₀ (σ/σ_min)²
///
/// with norms per image (theirs run over the batch). Published: 2311 levels from 232 to 0.0066 on [0, 1], the first
/// 1156 left out, three steps each: 3465 network calls. On [−1, 1] every σ and √h₀ is twice that. The start is uniform
/// in the images' range, as published. t(σ) inverts the table of the chain, log σ linear between its entries.
class NormMatched final : public Sampler {
  public:
    /// @throws std::invalid_argument  without a measurement, or where the chain does not reach down to a level's noise
    NormMatched(const SamplingProblem& problem, const NormMatchedSettings& settings);

    std::string_view name() const override { return "score_ald"; }
    std::vector<Level> levels() const override;
    SamplerState start() const override;
    void step(SamplerState& state, const Level& level, StepTrace* trace) const override;

    /// σ of a level, 0 the least noisy, on the [−1, 1] scale.
    double sigma(int level) const;
    /// The real timestep at which the chain has this σ.
    double timestep(double sigma) const;

  private:
    SamplingProblem problem_;
    NormMatchedSettings settings_;
};

}  // namespace pipeline
