#pragma once

#include <cstdint>

#include "jobs/sweep_plan.h"
#include "pipeline/networks/model.h"

namespace jobs {

/// What a plan would cost, before anything runs.
struct PlanSummary {
    std::int64_t configurations = 0;
    std::int64_t units = 0;
    std::int64_t rows = 0;         ///< Images restored or generated.
    double network_calls = 0;      ///< NFE, summed over rows.
    double forward_passes = 0;     ///< Predicted cost: a call with gradient counts as several.
    double flop_per_pass = 0;      ///< Of one image.
    double result_bytes = 0;       ///< Of `restored` in all unit files, before compression.
    double measurement_bytes = 0;  ///< Of truth and y in all measurement files, before compression.
};

PlanSummary summarise(const SweepPlan& plan, const pipeline::ModelDescription& model);

}  // namespace jobs
