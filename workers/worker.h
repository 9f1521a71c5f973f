#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>

#include "cluster/channel.h"
#include "pipeline/run_unit.h"
#include "workers/message.h"

namespace workers {

/// Computes and commits one unit of the plan; calls `heartbeat` often.
using ComputeUnit = std::function<pipeline::UnitCost(std::int64_t unit, const std::function<void()>& heartbeat)>;

/// A failure in one line, and whether another attempt may succeed: memory and I/O may, all else would fail again.
struct FailureReport {
    std::string reason;
    bool may_pass = false;
    int exit_code = 0;  ///< Not 0: no unit can be computed here, the run must end with this code.
};
FailureReport describe_failure(const std::exception& error);

struct WorkerSettings {
    double beat_seconds = 2;
    /// A coordinator that answers no heartbeat for so long, and ten times as long as the slowest step, is gone.
    double silence_seconds = 30;
    /// Asked at every heartbeat and while waiting; true ends the worker without an answer. May be null.
    std::function<bool()> is_terminated;
    /// Told where the coordinator runs. May be null.
    std::function<void(const std::string& host, int process)> on_coordinator;
    /// Asked about twice a second: the coordinator's process has ended. May be null.
    std::function<bool()> is_coordinator_gone;
    /// Told of every unit that threw; may add what it knows of the reason. May be null.
    std::function<void(std::int64_t unit, FailureReport& report)> on_failure;
};

/// Why a worker left.
enum class Departure {
    stopped,           ///< The coordinator said so.
    terminated,        ///< This process was told to end.
    coordinator_gone,  ///< Its process ended, or it was silent for too long.
};

/// Asks rank 0 for units and computes them until it says stop, also in the middle of a unit. A unit that throws becomes
/// a report with its reason; no exception crosses ranks. What is in work when it leaves is not reported.
///
/// Rank 0 is greeted before, so that it knows of a worker that ends while it loads its model.
Departure work(cluster::Channel& channel, const ComputeUnit& compute, const WorkerSettings& settings = {});

}  // namespace workers
