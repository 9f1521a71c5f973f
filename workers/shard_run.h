#pragma once

#include "jobs/campaign.h"
#include "jobs/shard.h"
#include "workers/run_settings.h"

namespace workers {

/// Computes one static shard of a run in this process: no MPI, no coordinator, the same files and a journal of its own.
/// TERM, USR1, requests in the folder that come after the start, and the deadline end it as they end a coordinator.
/// Whoever computes the last unit of the plan merges.
/// @return the program's exit code: 0 where every unit of the shard is committed
int run_shard(const jobs::Campaign& campaign, const jobs::Shard& shard, const RunSettings& settings);

}  // namespace workers
