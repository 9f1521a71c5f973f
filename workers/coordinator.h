#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "cluster/channel.h"
#include "jobs/journal.h"
#include "workers/cost_model.h"
#include "workers/status.h"
#include "workers/verdict.h"
#include "workers/work_queue.h"

namespace workers {

/// What the world may ask of a run.
enum class Request { none, drain, cancel };

/// What a coordinator tells the world and asks of it. Every function may be null.
struct CoordinatorLinks {
    std::function<void(const jobs::JournalEntry&)> journal;  ///< Appended.
    std::function<void()> sync;  ///< All that was appended is durable when it returns. At most once a round.
    std::function<void(const Status&)> status;  ///< Every `status_seconds`, and at the end.
    std::function<bool()> is_terminated;        ///< Leave at once.
    std::function<Request()> request;           ///< Asked four times a second.

    std::function<void(int rank, const std::string& host, int process)> watch;  ///< A worker says where it runs.
    std::function<std::vector<int>()> ended;  ///< Watched ranks whose process is gone. Asked four times a second.
    std::function<void(int rank)> kill;       ///< Ends a watched process; nothing where it is none of this host.
    std::function<int(int dead)> replace;     ///< Starts one more worker for a dead one and returns its rank.
    std::function<bool(std::int64_t unit)> is_on_disk;  ///< The unit's file exists; null: not asked.

    std::function<double()> now;  ///< Monotonic seconds; null: the steady clock.
    std::function<void()> pause;  ///< Between rounds; null: a millisecond's sleep.
};

struct CoordinatorSettings {
    std::string digest;              ///< Of the plan; a worker that read another one is refused.
    std::int64_t units_in_plan = 0;  ///< For the status.
    std::int64_t already_committed = 0;
    std::string launch = {};  ///< For the status.
    std::string host;         ///< Of the coordinator, and its process id: told to the workers.
    int process = 0;
    double status_seconds = 2;
    /// A worker at work that says nothing for so long, and ten times as long as the slowest step seen, is dead.
    double silence_seconds = 30;
    /// The same for one that loads its model or takes the first step of a unit.
    double load_seconds = 300;
    /// Monotonic seconds at which everything must have ended; infinity: no limit.
    double deadline = std::numeric_limits<double>::infinity();
    double deadline_margin_seconds = 5;                      ///< What runs is stopped so long before the deadline.
    int replacements = 0;                                    ///< Workers that may be started for dead ones.
    CostModel costs;                                         ///< What earlier runs taught.
    std::function<int(std::int64_t unit)> configuration_of;  ///< For the cost model; null: all are alike.
};

/// How coordinating ended.
struct Outcome {
    Verdict verdict;
    bool have_workers_left = false;  ///< False: some may still be at work, and must be ended from outside.
};

/// Answers the workers (ranks 1 … size−1, and those that `replace` starts) until nothing is left to do: `ready` with a
/// unit, longest first, or `stop`; `beat` with `alive`.
///
/// A unit that throws is reported and the others go on. A worker that ends or falls silent is dead: its unit is dealt
/// again, it is killed where it is of this host, replaced where that is allowed, and where it speaks again all it is
/// told is `stop`; what it committed counts. Every attempt is in the journal, durably, before it begins. A drain, or a
/// deadline, deals nothing more, takes back what has not begun, waits for what the cost model expects to end in time
/// and stops the rest. No collective.
///
/// A worker that works ahead asks while it has a unit in hand; it is given one more while enough are left for all.
/// @return 0 all done; 3 with quarantined units; 75 terminated, drained, or no worker is left; 143 cancelled; a
///         worker's own exit code where it could not start, or can go on no longer
Outcome coordinate(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                   const CoordinatorLinks& links);

}  // namespace workers
