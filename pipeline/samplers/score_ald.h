#pragma once

#include <array>
#include <memory>

#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/step_numbers.h"

namespace pipeline {

/// Which update ScoreALD makes; see ScoreAld.
enum class ScoreAldRule { jalal, poster };

struct ScoreAldSettings {
    ScoreAldRule rule = ScoreAldRule::jalal;
    double lambda = 1;        ///< Weight of the measurement step.
    double gamma_first = 15;  ///< `poster`: γ at the checkpoint's timestep T−1.
    double gamma_last = 10;   ///< `poster`: γ at timestep 0.
};

inline constexpr std::array score_ald_options = {
    operators::Option{
        .name = "preset",
        .type = operators::OptionType::word,
        .default_text = "jalal",
        .is_axis = true,
        .words = "jalal|poster|norm_matched",
        .help = "jalal weighs the likelihood score as DDPM weighs the prior's; poster has fixed gammas; "
                "norm_matched is Langevin dynamics whose pull has the score's length, as published code "
                "runs it.",
        .paper = "Jalal et al. 2021, eq. 2; norm_matched: its code, github.com/utcsilab/csgm-mri-langevin"},
    operators::Option{.name = "lambda",
                      .type = operators::OptionType::real,
                      .default_text = "1",
                      .minimum = 0,
                      .is_axis = true,
                      .help = "Factor of the measurement step, 1 being the preset's own; 0 is DDPM."},
    operators::Option{.name = "gamma-first",
                      .type = operators::OptionType::real,
                      .default_text = "15",
                      .minimum = 0,
                      .help = "poster: gamma at the noisiest timestep, falling linearly to gamma-last."},
    operators::Option{.name = "gamma-last",
                      .type = operators::OptionType::real,
                      .default_text = "10",
                      .minimum = 0,
                      .help = "poster: gamma at timestep 0."},
    operators::Option{.name = "levels",
                      .type = operators::OptionType::integer,
                      .default_text = "1155",
                      .minimum = 1,
                      .maximum = 2000,
                      .help = "norm_matched: how many of the published 2311 noise levels are run, the last ones."},
    operators::Option{.name = "inner",
                      .type = operators::OptionType::integer,
                      .default_text = "3",
                      .minimum = 1,
                      .maximum = 100,
                      .help = "norm_matched: Langevin steps at a level."},
    operators::Option{.name = "step-size",
                      .type = operators::OptionType::real,
                      .default_text = "5e-5",
                      .minimum = operators::above_zero,
                      .maximum = 1,
                      .help = "norm_matched: step at the last level, for images on [0, 1] as published."},
    operators::Option{.name = "match",
                      .type = operators::OptionType::real,
                      .default_text = "5",
                      .minimum = 0,
                      .is_axis = true,
                      .help = "norm_matched: length of the pull in units of the score's; 0 does not look at y."},
};

/// Annealed Langevin posterior sampling, Jalal et al., NeurIPS 2021 (arXiv:2108.01368), eq. 2, carried to the DDPM
/// chain.
///
/// The likelihood score is −A*(A x − y)/(σ_y² + γ_t²), taken at x_t before the step; no gradient goes through the
/// network. `jalal`:  x_{t−1} = DDPM(x_t) − λ (β_t/√α_t) (1/√ᾱ_t) A*(A u_t − y)/(σ_y² + γ_t²), u_t = x_t/√ᾱ_t, γ_t =
/// σ_t: the likelihood score weighed as DDPM weighs the prior score, with β of the chain that is run. `poster`: x_{t−1}
/// = DDPM(x_t) − λ A*(A x_t − y)/(σ_y² + γ_t²), γ_t linear in the checkpoint's timestep from `gamma_first` at T−1 to
/// `gamma_last` at 0; the step size is absorbed into γ.
class ScoreAld final : public Sampler {
  public:
    /// @throws std::invalid_argument  without a measurement, or where σ_y² + γ² is 0 at some level
    ScoreAld(const SamplingProblem& problem, const ScoreAldSettings& settings);

    std::string_view name() const override { return "score_ald"; }
    std::vector<Level> levels() const override;
    SamplerState start() const override;
    void step(SamplerState& state, const Level& level, StepTrace* trace) const override;
    bool is_capturable() const override { return true; }
    std::vector<at::Tensor> tensors() const override;

  private:
    double gamma(int step) const;
    /// 1/√ᾱ_t (`jalal`; else 1) and the factor of the likelihood's gradient, by step: float64 [T] on the device.
    void set_pulls();

    SamplingProblem problem_;
    StepNumbers numbers_;
    at::Tensor inverse_roots_, pulls_;
    ScoreAldSettings settings_;
};

/// The chain's steps, or levels · inner.
int score_ald_calls(const operators::Settings& settings, const NoiseSchedule& schedule);

std::unique_ptr<Sampler> make_score_ald(const operators::Settings& settings, const SamplingProblem& problem);

}  // namespace pipeline
