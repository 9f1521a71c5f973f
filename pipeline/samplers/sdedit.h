#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/step_numbers.h"

namespace pipeline {

struct SdeditSettings {
    int t_start = 500;  ///< t* on the checkpoint's scale 1 … T: the retained timesteps below it are run.
    int repeats = 1;    ///< Passes; each noises and denoises what the one before gave.
};

inline constexpr std::array sdedit_options = {
    operators::Option{
        .name = "t-start",
        .type = operators::OptionType::integer,
        .default_text = "500",
        .minimum = 1,
        .is_axis = true,
        .unit = "timesteps",
        .help = "Level that the guide is noised to, 1 to T of the checkpoint; timesteps below it are run.",
        .paper = "Meng et al. 2022, section 3"},
    operators::Option{.name = "repeats",
                      .type = operators::OptionType::integer,
                      .default_text = "auto",
                      .minimum = 1,
                      .maximum = 1000,
                      .words = "auto",
                      .help = "Passes, each starting from the output of the one before; auto is 1, with original 3.",
                      .paper = "Meng et al. 2022, reference code"},
    operators::Option{.name = "preset",
                      .type = operators::OptionType::word,
                      .default_text = "default",
                      .is_axis = true,
                      .words = "default|original",
                      .help = "original is the published code: variance fixed_small, no clamp, three passes.",
                      .paper = "Meng et al. 2022, reference code"},
};

/// SDEdit: Algorithm 1 of Meng et al., ICLR 2022 (arXiv:2108.01073), in its variance-preserving form.
///
/// The guide is noised, x = √ᾱ guide + √(1−ᾱ) z at the highest retained timestep below t*, and DDPM runs from there.
/// The guide is an image: the measurement itself, pixels that it lacks being 0, or the truth (`forward_reverse`).
class Sdedit final : public Sampler {
  public:
    /// @param name   what messages call the method; a literal
    /// @param guide  [N, C, H, W] in [−1, 1]
    /// @throws std::invalid_argument  if the chain keeps no timestep below t*
    Sdedit(std::string_view name, const SamplingProblem& problem, at::Tensor guide, const SdeditSettings& settings);

    std::string_view name() const override { return name_; }
    std::vector<Level> levels() const override;
    SamplerState start() const override;
    void step(SamplerState& state, const Level& level, StepTrace* trace) const override;
    /// Not a further pass, which begins with a level of its own kind.
    bool is_capturable() const override { return settings_.repeats == 1; }
    std::vector<at::Tensor> tensors() const override { return step_tensors(problem_, numbers_); }

  private:
    at::Tensor noised_guide(const at::Tensor& guide, int repeat) const;

    std::string_view name_;
    SamplingProblem problem_;
    StepNumbers numbers_;
    at::Tensor guide_;
    SdeditSettings settings_;
    int steps_;
};

/// How many steps of the chain lie below t*.
/// @throws std::invalid_argument  if there are none: "sdedit.t-start: 3 …"
int steps_below(std::string_view method, int t_start, const NoiseSchedule& schedule);

/// @throws std::invalid_argument  if t* is outside 1 … T
void resolve_t_start(std::string_view method, const operators::Settings& settings, const MethodContext& context);

void resolve_sdedit(operators::Settings& settings, const MethodContext& context);
int sdedit_calls(const operators::Settings& settings, const NoiseSchedule& schedule);
std::unique_ptr<Sampler> make_sdedit(const operators::Settings& settings, const SamplingProblem& problem);

}  // namespace pipeline
