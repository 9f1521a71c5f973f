#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace jobs {

/// What earlier attempts at a unit came to.
struct UnitHistory {
    int deaths = 0;    ///< Workers, or whole runs, that ended while at it.
    int failures = 0;  ///< Exceptions.
    bool is_quarantined = false;
    std::string reason;  ///< Of the last of them.
};

/// Histories of the units that are not committed and have one, from the journals of a run. "assigned" opens an attempt of
/// a rank, "committed", "failed", "released" and "died" close it; one that is never closed ended together with its run,
/// and counts as a death. "retry" forgets everything. A journal may be cut at any byte.
std::map<std::int64_t, UnitHistory> read_histories(const std::filesystem::path& folder);

}  // namespace jobs
