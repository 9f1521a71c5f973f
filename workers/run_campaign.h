#pragma once

#include <functional>

#include "jobs/campaign.h"
#include "workers/run_settings.h"
#include "workers/verdict.h"

namespace workers {

/// Readies a run's folder for another run: refuses one that is being run, takes away what the last one left (temporary
/// files, verdict, requests).
/// @throws jobs::JobError  where a run is at work there
void prepare_folder(const jobs::Campaign& campaign);

/// Earlier failures and deaths are forgotten: what was given up is tried again.
void forget_failures(const jobs::Campaign& campaign);

/// Says in one line what is about to be done; where something is, does it (`carry_out`); merges, prints the table, or
/// what failed.
/// @return the program's exit code
int run_campaign(const jobs::Campaign& campaign, const RunSettings& settings,
                 const std::function<Verdict()>& carry_out);

/// What a finished, or unfinished, run leaves to say: merges, prints the table, what failed, or how to go on.
/// @return the program's exit code
int conclude(const jobs::Campaign& campaign, const Verdict& verdict);

/// The same with ranks of its own under mpirun, in a prepared folder.
int run_campaign(const jobs::Campaign& campaign, const RunSettings& settings);

}  // namespace workers
