#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace jobs {

/// What earlier attempts at a unit came to.
struct UnitHistory {
    int deaths = 0;    ///< Attempts in which the worker, or the coordinator with it, died.
    int failures = 0;  ///< Attempts that threw.
    bool is_quarantined = false;
    std::string reason = {};  ///< Of the quarantine, or else of the last failure or death that gave one.
};

/// The histories of all units that have something to tell, from the journals of a run.
///
/// `assigned` opens an attempt of a rank at a unit, and what follows closes it: `committed` (which forgets all that
/// came before), `failed`, `released`, or `died`. An attempt that is opened again, or is open when its journal ends or
/// says `run`, is a death: nobody was left to close it. Several ranks may be at a unit at once. `retry` forgets
/// everything. A journal that was cut at any byte is read as far as it goes. To be asked before this process writes
/// `assigned`. Memory: units that are neither committed nor untouched.
/// @throws EnvironmentError  where the folder cannot be listed
std::map<std::int64_t, UnitHistory> read_histories(const std::filesystem::path& folder);

}  // namespace jobs
