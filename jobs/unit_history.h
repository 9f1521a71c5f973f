#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "jobs/journal.h"

namespace jobs {

/// What earlier attempts at a unit came to.
struct UnitHistory {
    int deaths = 0;    ///< Attempts in which the worker, or the coordinator with it, died.
    int failures = 0;  ///< Attempts that threw.
    bool is_quarantined = false;
    std::string reason = {};  ///< Of the quarantine, or else of the last failure or death that gave one.
};

/// The histories of all units that have something to tell, from the entries of a run's journals.
///
/// `assigned` opens an attempt of a rank at a unit, and what follows closes it: `committed` (which forgets all that
/// came before), `failed`, `released`, or `died`. An attempt that is opened again, or is open when its journal ends or
/// says `run`, is a death: nobody was left to close it. Several ranks may be at a unit at once. `retry` forgets
/// everything. Memory: units that are neither committed nor untouched.
class HistoryReader {
  public:
    /// The next entry, as `for_each_journal_entry` gives them.
    void read(const JournalEntry& entry);
    /// After the last one. The reader is spent.
    std::map<std::int64_t, UnitHistory> finish();

  private:
    using Attempt = std::pair<std::string, int>;  ///< Journal and rank: shards number their ranks alike.
    void read_of_unit(const JournalEntry& entry);
    void note(const JournalEntry& entry);
    void close(std::int64_t unit, const Attempt& attempt);
    template <typename Predicate>
    void end_attempts(Predicate is_ended);

    std::map<std::int64_t, UnitHistory> histories_;
    std::map<std::int64_t, std::set<Attempt>> open_;  ///< Attempts by unit.
};

/// Those of a run's folder. A journal that was cut at any byte is read as far as it goes. To be asked before this
/// process writes `assigned`.
/// @throws EnvironmentError  where the folder cannot be listed
std::map<std::int64_t, UnitHistory> read_histories(const std::filesystem::path& folder);

}  // namespace jobs
