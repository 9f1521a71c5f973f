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
    jobs::SweepPlan plan;                        ///< Where the device is decided, it is "cpu" or "cuda".
    DeviceChoice device;
};

/// What planning does about the device.
enum class DeviceUse {
    decide,           ///< Finds out what this machine has: networks compute on it, in other processes.
    decide_and_open,  ///< They compute in this process: its CUDA side is opened before anything is done with tensors.
    leave,            ///< They compute on another machine, which decides: the plan says what the job says.
};

/// Reads the job and looks at everything it names, without reading a weight, starting MPI or writing anything.
/// @param folder  of the run, whose plan says what `batch = auto` was found to be; empty: there is none
/// @throws jobs::JobError          in one line, for whatever is wrong with the job or what it names
/// @throws jobs::EnvironmentError  where the machine lacks the device that is asked for
PlannedJob plan_job(const std::filesystem::path& file, const jobs::Overrides& overrides,
                    DeviceUse use = DeviceUse::decide, const std::filesystem::path& folder = {});

}  // namespace workers
