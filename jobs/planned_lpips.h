#pragma once

#include <optional>

#include "jobs/sweep_plan.h"
#include "pipeline/metrics/lpips.h"

namespace jobs {

/// The perceptual metric that a plan scores with; nothing where it does without.
/// @throws pipeline::CheckpointError, pipeline::FileError  where its weights cannot be read
std::optional<pipeline::Lpips> planned_lpips(const SweepPlan& plan);

}  // namespace jobs
