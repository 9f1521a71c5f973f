#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace jobs {

/// One line of a journal: what happened to a unit. Everything that differs from run to run is here, and nowhere else.
///
/// | event | of | what happened |
/// |---|---|---|
/// | run | | a coordinator, or a shard's process, started |
/// | worker | rank | it said hello: host, device |
/// | assigned | unit, rank | dealt; written before the worker is told |
/// | committed | unit, rank | its file is there; what it took |
/// | failed | unit, rank | it threw, with the reason |
/// | died | unit, rank | the worker died while at the unit |
/// | released | unit, rank | the unit came back unharmed: drained, terminated, or its worker was too slow |
/// | quarantined | unit | given up, with the reason |
/// | retry | | earlier attempts and quarantines are forgotten |
struct JournalEntry {
    std::string event;
    std::int64_t unit = -1;
    int rank = -1;
    double time = 0;     ///< Seconds since the epoch.
    double seconds = 0;  ///< committed: the unit's wall time
    double seconds_sampling = 0;
    std::int64_t diverged = 0, unreadable = 0;
    std::string host = {}, device = {}, reason = {};
    std::string journal = {};  ///< File that the entry was read from; not written.
};

inline constexpr auto coordinators_journal = "journal.jsonl";

/// The append-only journal of one process of a run: the coordinator's, or a shard's own. It may be cut at any byte: a
/// torn or foreign line is passed over by readers.
class Journal {
  public:
    /// @param name  of the file in the run's folder, journal.jsonl or journal-….jsonl
    /// @throws EnvironmentError  where it cannot be opened for appending
    explicit Journal(const std::filesystem::path& folder, std::string name = coordinators_journal);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;
    /// @throws EnvironmentError  where it cannot be written
    /// Held in memory until `sync`, or the end of the journal: one write for many entries.
    void append(const JournalEntry& entry);
    /// Makes all appended entries durable.
    void sync();

  private:
    /// After a crash a new entry must begin a line of its own.
    void end_torn_line(const std::filesystem::path& path);
    void write_all(std::string_view text);
    void write_pending();
    std::string name_;
    int descriptor_ = -1;
    std::string pending_;
};

/// Every entry of all journals of a run that can be read: each file's in its own order, the files merged by time (a
/// clock that was set back never brings a file out of its order). Streams: memory is for a few entries a file, and one
/// file is open at a time.
void for_each_journal_entry(const std::filesystem::path& folder,
                            const std::function<void(const JournalEntry& entry)>& visit);

/// The same entries, all in memory; none where there is no journal.
std::vector<JournalEntry> read_journal(const std::filesystem::path& folder);

}  // namespace jobs
