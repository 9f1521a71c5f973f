#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cluster/channel.h"
#include "pipeline/run_unit.h"
#include "workers/message.h"

namespace workers {

/// A unit's way through a worker: three parts that follow one another, as those of `pipeline::UnitRun`.
class UnitTask {
  public:
    virtual ~UnitTask() = default;
    virtual void prepare() = 0;
    /// Calls `heartbeat` often; the other parts may run on another thread.
    virtual void sample(const std::function<void()>& heartbeat) = 0;
    /// The unit is committed.
    virtual pipeline::UnitCost finish() = 0;
};
using MakeTask = std::function<std::unique_ptr<UnitTask>(std::int64_t unit)>;

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
    /// A second thread prepares the next unit and finishes the last one while one is sampled.
    bool works_ahead = false;
    /// Called first on that thread. May be null.
    std::function<void()> on_side_thread;
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
/// One that works ahead asks for its next unit when it begins to sample one, so that it holds two, or three for the
/// moment in which the first is being written.
///
/// Rank 0 is greeted before, so that it knows of a worker that ends while it loads its model.
Departure work(cluster::Channel& channel, const MakeTask& make_task, const WorkerSettings& settings = {});

}  // namespace workers
