#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace workers {

/// One job that was handed to Slurm for a run.
struct SubmittedJob {
    std::string id;   ///< As Slurm writes it.
    double time = 0;  ///< Seconds since the epoch.
    int nodes = 1;
    int workers = 1;
    int shards = 0;  ///< Elements of an array; 0: no array.
};

/// Appends a line to DIR/slurm.jsonl.
/// @throws jobs::EnvironmentError  where it cannot be written
void record_submitted_job(const std::filesystem::path& folder, const SubmittedJob& job);

/// All that were recorded, oldest first; a line that is cut or no record is left out.
std::vector<SubmittedJob> submitted_jobs(const std::filesystem::path& folder);

}  // namespace workers
