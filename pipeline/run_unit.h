#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "operators/noise_stream.h"
#include "pipeline/data/dataset.h"
#include "pipeline/data/unit_file.h"
#include "pipeline/diffusion/noise_predictor.h"
#include "pipeline/metrics/lpips.h"
#include "pipeline/samplers/step_graph.h"
#include "pipeline/work_unit.h"

namespace pipeline {

/// What every unit of a run shares on one rank. References outlive the calls.
struct UnitEnvironment {
    std::filesystem::path folder;  ///< The run's folder.
    std::string plan_digest;
    const Dataset* dataset = nullptr;  ///< Null where every method generates.
    NoisePredictor& network;
    const NoiseSchedule& schedule;  ///< The checkpoint's own, all T steps.
    operators::Shape image_shape;
    operators::NoiseStream noise;
    const Lpips* lpips = nullptr;  ///< Null: the column is NaN.
    Store store = Store::float32;
    std::function<void()> heartbeat;  ///< Called before every network call.
    at::Device device = at::kCPU;     ///< Of the network, where sampling happens; everything else is done on the CPU.
    StepCapture capture = {};         ///< How the device records steps; `on_replay` is set here.
};

/// What a unit cost: for the journal, never for the unit file.
struct UnitCost {
    double seconds = 0;  ///< All stages.
    double seconds_sampling = 0;
    std::int64_t nfe = 0;
    std::int64_t diverged = 0;  ///< Rows.
    std::int64_t unreadable = 0;
};

/// One unit from images to its committed file: images → A and η (a committed measurement) → sampler → metrics → unit
/// file.
/// @throws std::exception  where a stage failed for a reason that is not one row's
UnitCost run_unit(const WorkUnit& unit, const UnitEnvironment& environment);

}  // namespace pipeline
