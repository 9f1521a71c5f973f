#pragma once

#include <filesystem>

#include "jobs/job.h"
#include "workers/arguments.h"

namespace workers {

/// The number that `batch = auto` stands for: the one of the folder's plan where there is one, else what the GPU of
/// this machine takes at once, found by another process (`diffinv trial`), so that this one holds no memory there.
/// @throws jobs::JobError          without a GPU to find it on
/// @throws jobs::EnvironmentError  where not even one image fits, or the trial fails
int planned_batch(const jobs::Job& job, const jobs::Overrides& overrides, bool is_cuda,
                  const std::filesystem::path& folder);

/// The hidden command `trial JOB`: prints the batch that this machine's first GPU takes.
int trial_command(Arguments& arguments);

}  // namespace workers
