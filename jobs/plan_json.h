#pragma once

#include <string>

#include "jobs/sweep_plan.h"

namespace jobs {

/// SHA-256 over everything of a plan that determines results: settings, seed, batch, threads, and the digests of model,
/// dataset and LPIPS weights. Not over paths and the device: a folder may be moved.
std::string plan_digest(const SweepPlan& plan);

}  // namespace jobs
