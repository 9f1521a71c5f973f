#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "jobs/job.h"
#include "jobs/sweep_plan.h"
#include "operators/shape.h"
#include "pipeline/data/dataset.h"
#include "pipeline/networks/model.h"

namespace jobs {

/// What the points of a sweep are checked against.
struct Surroundings {
    const Job& job;
    const pipeline::ModelDescription& model;
    const pipeline::Dataset* dataset;  ///< Null where every method generates.
    const SweepPlan& plan;             ///< Images and their sizes.
    std::string name;                  ///< Of the job, in messages.
};

/// The points of a job, in the order methods × operators × sigma-y × steps × the method's own: every `auto` resolved,
/// every value checked against checkpoint and images. Units are not numbered yet.
/// @throws JobError  where values do not fit, or two points are the same
std::vector<PlannedConfiguration> expand(const Surroundings& world);

}  // namespace jobs
