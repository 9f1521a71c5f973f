#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cluster/channel.h"
#include "jobs/campaign.h"
#include "workers/coordinator.h"
#include "workers/run_settings.h"

namespace workers {

/// What a rank of a run is started with.
struct RankTask {
    std::filesystem::path folder;
    RunSettings settings;
    int number = 0;  ///< > 0: a worker that was started later, with this rank.
    int place = -1;  ///< Of such a worker: that of the dead one on its host, whose device it takes; −1: the launcher's.
};

/// The command that starts a rank: `diffinv rank DIR …`.
std::vector<std::string> rank_command_words(const RankTask& task);

/// What a coordinator may do beyond speaking with its workers. Both may be null.
struct CoordinatorMeans {
    std::function<void(const Status&)> show;    ///< Told of the status beside status.json.
    std::function<int(int dead)> start_worker;  ///< Starts one more worker for a dead one and returns its rank.
};

/// Rank 0 of a run: deals what is not committed yet, keeps journal and status.json, writes the verdict. Loads no
/// weights.
///
/// Where workers may still be at work afterwards (a signal, a dead worker, one that could not start) the process ends
/// here without finalising MPI, which would wait for them; the supervisor ends the others.
Verdict run_coordinator(cluster::Channel& channel, const RankTask& task, const CoordinatorMeans& means = {});

/// Ranks 1 … of a run: replica of the model, then units until the coordinator says stop. What keeps it from starting is
/// reported to rank 0. Returns where it was told to stop; ends the process where it was terminated or its coordinator
/// is gone.
void run_worker(cluster::Channel& channel, const RankTask& task);

/// The hidden command `rank DIR` that mpirun starts: both of the above, by rank.
/// @return exit code
int run_rank(const RankTask& task);

}  // namespace workers
