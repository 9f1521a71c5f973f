#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cluster/channel.h"
#include "jobs/journal.h"
#include "workers/status.h"
#include "workers/verdict.h"
#include "workers/work_queue.h"

namespace workers {

/// What a coordinator tells the world and asks of it. Every function may be null.
struct CoordinatorLinks {
    std::function<void(const jobs::JournalEntry&)> journal;  ///< Appended; durable when it returns.
    std::function<void(const Status&)> status;               ///< Every `status_seconds`, and at the end.
    std::function<bool()> is_terminated;                     ///< Leave at once.
    std::function<bool()> is_draining;                       ///< Deal nothing more, wait for what runs.
};

struct CoordinatorSettings {
    std::string digest;              ///< Of the plan; a worker that read another one is refused.
    std::int64_t units_in_plan = 0;  ///< For the status.
    std::int64_t already_committed = 0;
    double status_seconds = 2;
    /// A worker that says nothing for so long, and ten times as long as the slowest that was heard, is lost. Generous:
    /// one network call of a large batch on a CPU takes minutes.
    double silence_seconds = 600;
};

/// How coordinating ended.
struct Outcome {
    Verdict verdict;
    bool have_workers_left = false;  ///< False: some may still be at work, and must be ended from outside.
};

/// Answers the workers (ranks 1 … size−1) until nothing is left to do: `ready` with a unit, longest first, or `stop`.
///
/// A unit that throws is reported and the others go on. Polls with a sleep of one millisecond; no collective.
/// @return 0 all done; 3 with quarantined units; 75 terminated, drained, or a worker was lost; a worker's own exit code
///         where it could not start
Outcome coordinate(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                   const CoordinatorLinks& links);

}  // namespace workers
