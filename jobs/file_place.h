#pragma once

#include <optional>
#include <string>

#include "jobs/sweep_plan.h"
#include "pipeline/data/measurement_file.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

// What makes a whole file not the one that its place in the plan wants; nothing where it is. Images are not looked at.

std::optional<std::string> misplaced(const pipeline::UnitFile& file, const SweepPlan& plan);

/// @param reader  any unit that reads this measurement
std::optional<std::string> misplaced(const pipeline::MeasurementFile& file, const pipeline::WorkUnit& reader);

}  // namespace jobs
