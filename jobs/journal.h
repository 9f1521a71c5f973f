#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace jobs {

/// One line of journal.jsonl: what happened to a unit. Everything that differs from run to run is here, and nowhere
/// else.
struct JournalEntry {
    /// "run": a coordinator begins. "worker", "worker started", "worker lost": a rank. Of a unit: "assigned" opens an
    /// attempt; "committed", "failed", "died" (its rank ended or fell silent) and "released" (laid down unharmed) close
    /// it; "quarantined": given up. "retry": all that was given up is tried again.
    std::string event;
    std::int64_t unit = -1;
    int rank = -1;
    double time = 0;     ///< Seconds since the epoch.
    double seconds = 0;  ///< committed: the unit's wall time
    double seconds_sampling = 0;
    std::int64_t diverged = 0, unreadable = 0;
    std::string host = {}, device = {}, reason = {};
};

/// The append-only journal of a run. Only one process at a time writes it: the coordinator, or the shard whose own it is.
/// It may be cut at any byte: a torn or foreign line
/// is passed over by readers.
class Journal {
  public:
    /// @throws EnvironmentError  where it cannot be opened for appending
    explicit Journal(const std::filesystem::path& folder, const std::string& name = "journal.jsonl");
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
    std::string name_;
    int descriptor_ = -1;
};

/// journal.jsonl and the journals of shards, by name.
std::vector<std::filesystem::path> journal_files(const std::filesystem::path& folder);

/// Visits every entry of one file that can be read, in order, without holding them.
void for_each_entry_of(const std::filesystem::path& file, const std::function<void(const JournalEntry&)>& visit);

/// The same for every file, one after the other.
void for_each_journal_entry(const std::filesystem::path& folder,
                            const std::function<void(const JournalEntry&)>& visit);

/// Every entry that can be read, of all files, in the order of their times; none where there is no journal.
std::vector<JournalEntry> read_journal(const std::filesystem::path& folder);

}  // namespace jobs
