#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/paths.h"

// Small jobs of the quick start's images and model, run by the program itself.
namespace test_support {

std::string program();
std::string write_job(const TemporaryFolder& folder, const std::string& rest);
/// Every kind of method, two operators, three images in blocks of two: 12 units that restore and 2 that generate.
std::string write_varied_job(const TemporaryFolder& folder);
/// Ten units of about equal length, so that there is time to end the run in the middle.
std::string write_long_job(const TemporaryFolder& folder);
inline constexpr int varied_units = 14;
inline constexpr int long_units = 10;

CommandResult run_job(const std::string& job, const std::filesystem::path& output, int workers,
                      const std::string& more = "");
/// Content hashes of all unit and measurement files by name.
std::map<std::string, std::string> hashes(const std::filesystem::path& run);
/// Starts `diffinv run` with its words going to a file.
pid_t start_job(const std::string& job, const std::filesystem::path& output, int workers,
                const std::filesystem::path& log, const std::vector<std::string>& more = {});
/// Waits for its end. @return exit code, or 128 + signal
int end_of(pid_t process);
int count_of(const std::string& text, const std::string& word);
int committed_units(const std::filesystem::path& run);
/// The processes of a run's rank: 0 the coordinator, others workers.
std::vector<int> processes_of_rank(const std::filesystem::path& run, int rank);
/// Temporary files that a run has left.
int temporaries(const std::filesystem::path& run);

}  // namespace test_support
