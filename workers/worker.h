#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>

#include "cluster/channel.h"
#include "pipeline/run_unit.h"
#include "workers/message.h"

namespace workers {

/// Computes and commits one unit of the plan; calls `heartbeat` often.
using ComputeUnit = std::function<pipeline::UnitCost(std::int64_t unit, const std::function<void()>& heartbeat)>;

struct WorkerSettings {
    double beat_seconds = 2;
    /// Asked at every heartbeat and while waiting; true ends the worker without an answer. May be null.
    std::function<bool()> is_terminated;
    /// Told of every unit that threw. May be null.
    std::function<void(std::int64_t unit, const std::string& reason)> on_failure;
};

/// Thrown out of a unit where the process was told to end: nothing of the unit is reported.
struct Terminated {};

/// Asks rank 0 for units and computes them until it says stop. A unit that throws becomes a report with its reason; no
/// exception crosses ranks.
/// @param hello  sent first
/// @return false where the worker was terminated
bool work(cluster::Channel& channel, const Message& hello, const ComputeUnit& compute,
          const WorkerSettings& settings = {});

/// A failure in one line, and whether another attempt may succeed: memory and I/O may, all else would fail again.
struct FailureReport {
    std::string reason;
    bool may_pass = false;
};
FailureReport describe_failure(const std::exception& error);

}  // namespace workers
