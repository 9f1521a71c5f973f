#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "cluster/collective.h"
#include "jobs/sweep_plan.h"
#include "pipeline/data/dataset.h"
#include "pipeline/metrics/lpips.h"
#include "pipeline/run_unit.h"
#include "workers/device_choice.h"
#include "workers/replica.h"

namespace workers {

/// All that a process needs to compute units of a plan: dataset, replica of the model on its device, LPIPS. Sets the
/// number of LibTorch's threads to the plan's.
class UnitComputer {
  public:
    /// Loads the model together with the other ranks of the group; the group is not needed afterwards.
    /// @throws jobs::JobError  where dataset or model are no longer what was planned with
    UnitComputer(const std::filesystem::path& folder, const jobs::SweepPlan& plan, const RankDevice& device,
                 cluster::Collective& group);

    /// Computes and commits a unit.
    pipeline::UnitCost compute(std::int64_t unit, const std::function<void()>& heartbeat);
    /// The same in its three parts. The computer outlives it.
    std::unique_ptr<pipeline::UnitRun> begin(std::int64_t unit);
    /// For threads beside the caller's: as many of LibTorch's as the plan says.
    void set_threads() const;
    /// Told where a step could not be recorded by the device. May be null.
    void on_refused_capture(std::function<void(const std::string& reason)> told) {
        device_.capture.on_refusal = std::move(told);
    }
    std::uint64_t checksum() const { return replica_.checksum; }
    /// About as large as a unit's file can get.
    std::int64_t unit_file_bytes() const;

  private:
    pipeline::UnitEnvironment environment();

    std::filesystem::path folder_;
    jobs::SweepPlan plan_;
    RankDevice device_;
    std::unique_ptr<pipeline::Dataset> dataset_;
    std::optional<pipeline::Lpips> lpips_;
    Replica replica_;
    pipeline::NoiseSchedule schedule_;
    pipeline::StepShelf shelf_;
};

}  // namespace workers
