#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace jobs {

/// One line of journal.jsonl: what happened to a unit. Everything that differs from run to run is here, and nowhere
/// else.
struct JournalEntry {
    std::string event;  ///< "run", "worker", "assigned", "committed", "failed"
    std::int64_t unit = -1;
    int rank = -1;
    double time = 0;     ///< Seconds since the epoch.
    double seconds = 0;  ///< committed: the unit's wall time
    double seconds_sampling = 0;
    std::int64_t diverged = 0, unreadable = 0;
    std::string host = {}, device = {}, reason = {};
};

/// The append-only journal of a run. Only the coordinator writes it. It may be cut at any byte: a torn or foreign line
/// is passed over by readers.
class Journal {
  public:
    /// @throws EnvironmentError  where it cannot be opened for appending
    explicit Journal(const std::filesystem::path& folder);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    /// @throws EnvironmentError  where it cannot be written
    void append(const JournalEntry& entry);
    /// Makes all appended entries durable.
    void sync();

  private:
    /// After a crash a new entry must begin a line of its own.
    void end_torn_line(const std::filesystem::path& path);
    void write_all(std::string_view text);
    int descriptor_ = -1;
};

/// Every entry that can be read, in order; none where there is no journal.
std::vector<JournalEntry> read_journal(const std::filesystem::path& folder);

}  // namespace jobs
