#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cluster {

/// What a Slurm job of one run is made of.
struct SlurmJob {
    std::filesystem::path folder;          ///< The run's, absolute.
    std::filesystem::path working_folder;  ///< Where relative paths of `command` begin.
    std::vector<std::string> command;      ///< "diffinv", "run", …; without workers, shard and deadline.
    int nodes = 1;
    int workers_per_node = 1;
    int gpus_per_node = 0;
    std::string time;                ///< As Slurm takes it.
    int shards = 0;                  ///< Elements of an array, each one process; 0: one job of MPI ranks.
    int requeue_limit = 20;          ///< How often the job puts itself back into the queue.
    std::vector<std::string> extra;  ///< "partition=gpu", "exclusive": further options of sbatch.
};

/// A time limit in seconds: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS.
/// @throws std::invalid_argument  in one line, for anything else and for less than a minute (to Slurm, 0 is no limit)
long time_limit_seconds(const std::string& time);

/// A word that a shell reads as it is: bare where it has only harmless characters, else between single quotes.
std::string shell_quoted(std::string_view word);

/// A value in an `#SBATCH` line, which sbatch takes apart by rules of its own: a backslash escapes between quotes too.
std::string sbatch_quoted(std::string_view value);

/// The template cluster/slurm/job.sh.in as it is embedded.
std::string_view slurm_job_template();

/// The script of the job: the template with every @NAME@ filled in, and without the lines that the job has no use for.
/// @throws std::invalid_argument  in one line, for a value with control characters, a number out of range, an option in
///                                `extra` that the script sets itself, and a folder whose name Slurm would change
std::string slurm_script(const SlurmJob& job);

}  // namespace cluster
