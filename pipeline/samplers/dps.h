#pragma once

#include <array>
#include <memory>

#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/step_numbers.h"

namespace pipeline {

/// What ζ multiplies: ∇‖r‖, or the unit vector along it.
enum class DpsNormalise { residual, gradient };

struct DpsSettings {
    double zeta = 0.3;  ///< Multiplies ∇‖y − A(x̂₀)‖: the reference code's unit, twice the paper's. 0 is DDPM.
    DpsNormalise normalise = DpsNormalise::residual;
};

inline constexpr std::array dps_options = {
    operators::Option{
        .name = "preset",
        .type = operators::OptionType::word,
        .default_text = "code",
        .is_axis = true,
        .words = "code|paper",
        .help = "Whose step sizes zeta = auto and zeta-unit = auto are: the reference code's or the paper's.",
        .paper = "Chung et al. 2023, appendix D"},
    operators::Option{.name = "zeta",
                      .type = operators::OptionType::real,
                      .default_text = "auto",
                      .minimum = 0,
                      .is_axis = true,
                      .words = "auto",
                      .help = "Step size; auto is the preset's value for the operator times T / steps.",
                      .paper = "Chung et al. 2023, Algorithm 1"},
    operators::Option{.name = "zeta-unit",
                      .type = operators::OptionType::word,
                      .default_text = "auto",
                      .words = "auto|code|paper",
                      .help = "code: factor of the norm's gradient; paper: half of that; auto: the preset's.",
                      .paper = "Chung et al. 2023, Algorithm 1"},
    operators::Option{.name = "normalise",
                      .type = operators::OptionType::word,
                      .default_text = "residual",
                      .words = "residual|gradient",
                      .help = "gradient: steps of length zeta along the gradient, whatever its norm; needs a zeta."},
};

/// Diffusion posterior sampling: Algorithm 1 of Chung et al., ICLR 2023 (arXiv:2209.14687).
///
/// x_{t−1} = x' − ζ ∇_{x_t} ‖y − A(x̂₀(x_t))‖ at every t, 0 included, where x' is the DDPM step. The norm is taken per
/// image, so that the images of a batch do not influence one another, and its gradient is 0 where it is. The gradient
/// passes through the clamp (0 where that clamps), through A and through the network. The paper writes ζ'/‖r‖ ∇‖r‖², so
/// that its ζ' is half of the reference code's ζ: `zeta-unit = paper` doubles it.
class Dps final : public Sampler {
  public:
    /// @throws std::invalid_argument  without a measurement
    Dps(const SamplingProblem& problem, const DpsSettings& settings);

    std::string_view name() const override { return "dps"; }
    std::vector<Level> levels() const override;
    SamplerState start() const override;
    void step(SamplerState& state, const Level& level, StepTrace* trace) const override;
    bool is_capturable() const override { return true; }
    std::vector<at::Tensor> tensors() const override { return step_tensors(problem_, numbers_); }

  private:
    SamplingProblem problem_;
    StepNumbers numbers_;
    DpsSettings settings_;
};

/// Replaces `auto`: ζ by the preset's value for the operator, in the chosen unit, times T / steps, since fewer steps
/// must pull harder.
/// @throws std::invalid_argument  where `auto` has no meaning: an operator or a normalisation without a published ζ
void resolve_dps(operators::Settings& settings, const MethodContext& context);

std::unique_ptr<Sampler> make_dps(const operators::Settings& settings, const SamplingProblem& problem);

}  // namespace pipeline
