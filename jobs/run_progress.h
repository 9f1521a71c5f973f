#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "jobs/campaign.h"

namespace jobs {

/// Seconds that units of one configuration took, for each unit of predicted cost.
struct CostRate {
    std::int64_t units = 0;
    double mean = 0;
    double deviation = 0;  ///< Standard deviation over units, over n − 1; 0 for fewer than two.
};

/// One configuration of a sweep, as far as it has come.
struct PointProgress {
    const PlannedConfiguration* planned = nullptr;
    std::int64_t units = 0, done = 0, running = 0, failed = 0;
    std::int64_t images = 0, images_done = 0;  ///< Rows.
    double cost_left = 0;                      ///< Predicted, of units that are neither done nor failed.
    double largest_cost_left = 0;              ///< Of one of them.
    CostRate rate = {};
    double seconds = 0;  ///< Of all units that are done.
};

/// What one worker of the last run has done in it.
struct WorkerProgress {
    int rank = 0;
    std::string host, device;
    std::int64_t units = 0, images = 0;
    double seconds = 0;   ///< At work.
    std::string journal;  ///< Shards count their ranks alike.
};

struct FailedUnit {
    std::int64_t unit = 0;
    std::string reason;
};

struct RunProgress {
    std::vector<PointProgress> points;    ///< In the plan's order.
    std::vector<WorkerProgress> workers;  ///< By journal and rank; those that have committed something.
    std::vector<FailedUnit> failures;     ///< Units that were given up, ascending.
};

/// Reads how a run stands from its files and journals alone.
/// @param is_running  false: what is open in the journals was left behind
RunProgress run_progress(const Campaign& campaign, bool is_running);

/// Seconds until all is done.
struct TimeLeft {
    bool is_known = false;
    double low = 0, expected = 0, high = 0;
};

/// The predicted cost that is left times what a unit of cost has taken, shared by the workers, with a range of two
/// standard deviations: of the means that were measured, and of the units to come. A configuration of which nothing is
/// done yet takes `predicted`, or else what all others took on average, either with half as much again above it and a
/// third less below. The last unit ends up to its own length later than the work is shared evenly.
/// @param predicted  seconds for each unit of cost of a configuration, 0 where nobody knows; may be null
TimeLeft time_left(const RunProgress& progress, int workers,
                   const std::function<double(const PlannedConfiguration&)>& predicted);

}  // namespace jobs
