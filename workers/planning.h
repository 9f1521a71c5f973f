#pragma once

#include <filesystem>
#include <memory>

#include "jobs/job.h"
#include "jobs/sweep_plan.h"
#include "pipeline/data/dataset.h"
#include "pipeline/networks/model.h"
#include "workers/device_choice.h"

namespace workers {

/// A job that was found to be runnable: words, values, paths, image headers, the checkpoint's names and shapes.
struct PlannedJob {
    jobs::Job job;
    pipeline::ModelDescription model;
    std::unique_ptr<pipeline::Dataset> dataset;  ///< Null where every method generates.
    jobs::SweepPlan plan;                        ///< Its device is decided: "cpu" or "cuda".
    DeviceChoice device;
};

/// Reads the job and looks at everything it names, without reading a weight, starting MPI or writing anything.
/// @throws jobs::JobError          in one line, for whatever is wrong with the job or what it names
/// @throws jobs::EnvironmentError  where the machine lacks the device that is asked for
PlannedJob plan_job(const std::filesystem::path& file, const jobs::Overrides& overrides);

}  // namespace workers
