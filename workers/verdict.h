#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "workers/work_queue.h"

namespace workers {

/// Exit codes of the program.
inline constexpr int exit_done = 0;
inline constexpr int exit_refused = 2;
inline constexpr int exit_quarantined = 3;
inline constexpr int exit_environment = 4;
inline constexpr int exit_internal = 70;
inline constexpr int exit_incomplete = 75;
inline constexpr int exit_cancelled = 143;

/// How a coordinator's run ended: what `diffinv run` exits with, whatever became of mpirun.
struct Verdict {
    int exit_code = exit_internal;
    std::string reason = {};  ///< Empty where all is done.
    std::vector<QuarantinedUnit> quarantined = {};
    std::string launch = {};       ///< RunSettings::launch of the ranks that it is about.
    bool may_start_again = false;  ///< Ended while starting, by a death: starting again may help.
};

/// Writes DIR/verdict.json, in one step.
void write_verdict(const std::filesystem::path& folder, const Verdict& verdict);
/// Nothing where there is none.
std::optional<Verdict> read_verdict(const std::filesystem::path& folder);
/// Takes the last run's verdict away, before ranks start.
void remove_verdict(const std::filesystem::path& folder);

}  // namespace workers
