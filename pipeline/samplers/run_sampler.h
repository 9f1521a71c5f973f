#pragma once

#include <functional>
#include <vector>

#include "pipeline/samplers/sampler.h"
#include "pipeline/samplers/step_graph.h"

namespace pipeline {

/// What a run of a sampler gives back.
struct SamplingResult {
    at::Tensor x0_hat;           ///< [N, C, H, W], not clamped; NaN in rows that diverged.
    std::vector<bool> diverged;  ///< Per row: some value was not finite.
    int network_calls = 0;       ///< NFE per image.
};

/// Called after each level with (levels done, levels in all).
using SamplingProgress = std::function<void(int done, int total)>;

/// THE loop: every method of the program runs through it, and it alone reports progress, watches that numbers stay
/// finite, and replays a captured step. Rows do not influence one another, so a row that diverges leaves the others as
/// they are.
///
/// Where `capture` can make a record of steps and the sampler's steps can be recorded, the first three levels run as
/// they are, the fourth is recorded, and it and all that follow are replays: the same numbers, bit for bit, as without.
/// A record that a unit of the same name has left on the shelf does from the first level on.
SamplingResult run_sampler(const Sampler& sampler, const SamplingProgress& progress = {},
                           const StepCapture& capture = {});

}  // namespace pipeline
