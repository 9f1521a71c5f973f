#pragma once

#include <string>

#include "jobs/campaign.h"
#include "workers/run_settings.h"
#include "workers/verdict.h"

namespace workers {

/// The path of the running program.
std::string own_program();

/// Starts the ranks of a run under mpirun and waits for their end, which leaves no process and no temporary file. A run
/// that a death ended while it was starting is started again, at most three times.
/// @return the coordinator's verdict; 128 + signal where this process was told to end; 4 where the folder can no longer
///         be written; 70 where there is no verdict
Verdict launch(const jobs::Campaign& campaign, const RunSettings& settings);

}  // namespace workers
