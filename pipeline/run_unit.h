#pragma once

#include <filesystem>
#include <functional>
#include <memory>
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
    bool is_measured = false;          ///< The dataset holds y: there is no truth.
    NoisePredictor& network;
    const NoiseSchedule& schedule;  ///< The checkpoint's own, all T steps.
    operators::NoiseStream noise;
    const Lpips* lpips = nullptr;  ///< Null: the column is NaN.
    Store store = Store::float32;
    std::function<void()> heartbeat;  ///< Called before every network call.
    at::Device device = at::kCPU;     ///< Of the network, where sampling happens; everything else is done on the CPU.
    StepCapture capture = {};         ///< How the device records steps, and where they are kept; the rest is set here.
};

/// What a unit cost: for the journal, never for the unit file.
struct UnitCost {
    double seconds = 0;  ///< All parts, without what passed between them.
    double seconds_sampling = 0;
    std::int64_t nfe = 0;
    std::int64_t diverged = 0;  ///< Rows.
    std::int64_t unreadable = 0;
};

/// One unit from images to its committed file, in three parts that follow one another: images → A and η (a committed
/// measurement) | sampler | metrics → unit file. Only the one in the middle asks the network and the device, so that
/// the others may run on another thread, beside the sampling of other units.
class UnitRun {
  public:
    UnitRun(WorkUnit unit, const UnitEnvironment& environment);
    ~UnitRun();
    UnitRun(const UnitRun&) = delete;
    UnitRun& operator=(const UnitRun&) = delete;

    // Each throws std::exception where it failed for a reason that is not one row's.
    void prepare();
    /// @param heartbeat  called before every network call; may be null
    void sample(const std::function<void()>& heartbeat);
    UnitCost finish();

  private:
    struct Parts;

    WorkUnit unit_;
    UnitEnvironment environment_;
    std::unique_ptr<Parts> parts_;
    UnitCost cost_;
};

/// All three parts at once.
UnitCost run_unit(const WorkUnit& unit, const UnitEnvironment& environment);

}  // namespace pipeline
