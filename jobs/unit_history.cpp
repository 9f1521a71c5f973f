#include "jobs/unit_history.h"

#include <set>

#include "jobs/journal.h"

namespace jobs {

namespace {

/// What one journal file tells.
class HistoryReader {
  public:
    explicit HistoryReader(std::map<std::int64_t, UnitHistory>& histories) : histories_(histories) {}

    void read(const JournalEntry& entry) {
        if (entry.event == "run") return end_run();
        if (entry.event == "retry") {
            open_.clear();
            histories_.clear();
            return;
        }
        if (entry.unit < 0) return;
        const std::pair attempt(entry.unit, entry.rank);
        if (entry.event == "assigned") {
            // The same rank has it again: what became of the first time is not written.
            if (!open_.insert(attempt).second) count_death(entry.unit, lost_words);
            return;
        }
        open_.erase(attempt);
        if (entry.event == "committed") {
            histories_.erase(entry.unit);
            std::erase_if(open_, [&](const auto& other) { return other.first == entry.unit; });
        } else if (entry.event == "died") {
            count_death(entry.unit, entry.reason);
        } else if (entry.event == "failed") {
            UnitHistory& history = histories_[entry.unit];
            ++history.failures;
            history.reason = entry.reason;
        } else if (entry.event == "quarantined") {
            UnitHistory& history = histories_[entry.unit];
            history.is_quarantined = true;
            history.reason = entry.reason;
        }
    }

    /// What is still open ended with the run.
    void end_run() {
        for (const auto& [unit, rank] : open_) count_death(unit, lost_words);
        open_.clear();
    }

  private:
    static constexpr auto lost_words = "the run ended while it was computed";

    void count_death(std::int64_t unit, const std::string& reason) {
        UnitHistory& history = histories_[unit];
        ++history.deaths;
        history.reason = reason;
    }

    std::map<std::int64_t, UnitHistory>& histories_;
    std::set<std::pair<std::int64_t, int>> open_;
};

}  // namespace

std::map<std::int64_t, UnitHistory> read_histories(const std::filesystem::path& folder) {
    std::map<std::int64_t, UnitHistory> histories;
    for (const std::filesystem::path& file : journal_files(folder)) {
        HistoryReader reader(histories);
        for_each_entry_of(file, [&](const JournalEntry& entry) { reader.read(entry); });
        reader.end_run();
    }
    return histories;
}

}  // namespace jobs
