#pragma once

#include <array>
#include <memory>

#include "pipeline/samplers/make_sampler.h"

namespace pipeline {

inline constexpr std::array forward_reverse_options = {
    operators::Option{.name = "t-start",
                      .type = operators::OptionType::integer,
                      .default_text = "100",
                      .minimum = 1,
                      .is_axis = true,
                      .unit = "timesteps",
                      .help = "Level that the clean image is noised to, 1 to T of the checkpoint.",
                      .paper = "Meng et al. 2022, section 3"},
};

/// Forward to t* and back: SDEdit (Meng et al. 2022, Algorithm 1) with the clean image as its guide and one pass.
///
/// It takes no measurement; what it loses says what the checkpoint and the chain lose on their own.
std::unique_ptr<Sampler> make_forward_reverse(const operators::Settings& settings, const SamplingProblem& problem);

void resolve_forward_reverse(operators::Settings& settings, const MethodContext& context);
int forward_reverse_calls(const operators::Settings& settings, const NoiseSchedule& schedule);

}  // namespace pipeline
