#pragma once

#include <filesystem>

#include "cluster/channel.h"
#include "jobs/campaign.h"
#include "workers/coordinator.h"

namespace workers {

/// Rank 0 of a run: deals what is not committed yet, keeps journal and status.json, writes the verdict. Loads no
/// weights.
///
/// Where workers may still be at work afterwards (a signal, a lost worker, one that could not start) the process ends
/// here without finalising MPI, which makes mpirun end the others.
/// @param show  told of the status beside status.json; may be null
Verdict run_coordinator(cluster::Channel& channel, const jobs::Campaign& campaign,
                        const std::function<void(const Status&)>& show = {});

/// Ranks 1 … of a run: replica of the model, then units until the coordinator says stop. What keeps it from starting is
/// reported to rank 0, which ends the run. Returns where it was told to stop; ends the process where it was terminated.
void run_worker(cluster::Channel& channel, const std::filesystem::path& folder);

/// The hidden command `rank DIR` that mpirun starts: both of the above, by rank.
/// @return exit code
int run_rank(const std::filesystem::path& folder);

}  // namespace workers
