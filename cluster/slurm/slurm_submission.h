#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cluster {

/// True where a program of that name is on the PATH.
bool is_on_path(const std::string& program);

/// How a program that was started and waited for ended.
struct ProgramResult {
    int status = 0;      ///< Its exit code, 128 + signal where one ended it.
    std::string output;  ///< Standard output, at most the first 64 KiB.
    std::string errors;  ///< Standard error, likewise.
};

/// Starts a program of the PATH without a shell, with empty standard input, and waits for its end.
/// @throws std::system_error  where it cannot be started
ProgramResult run_program_and_wait(const std::vector<std::string>& arguments);

/// Hands a script to Slurm by `sbatch --parsable`.
/// @return the job's number as Slurm writes it
/// @throws std::runtime_error  with sbatch's own words, in one line, where it refuses or cannot be started
std::string submit_script(const std::filesystem::path& script);

}  // namespace cluster
