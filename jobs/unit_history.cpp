#include "jobs/unit_history.h"

#include <utility>

namespace jobs {

void HistoryReader::read(const JournalEntry& entry) {
    if (entry.event == "retry") {
        histories_.clear();
        open_.clear();
    } else if (entry.event == "run") {
        end_attempts([&](const Attempt& attempt) { return attempt.first == entry.journal; });
    } else if (entry.unit >= 0) {
        read_of_unit(entry);
    }
}

std::map<std::int64_t, UnitHistory> HistoryReader::finish() {
    end_attempts([](const Attempt&) { return true; });
    return std::move(histories_);
}

void HistoryReader::read_of_unit(const JournalEntry& entry) {
    const Attempt attempt(entry.journal, entry.rank);
    if (entry.event == "assigned") {
        if (!open_[entry.unit].insert(attempt).second) ++histories_[entry.unit].deaths;
    } else if (entry.event == "committed") {
        histories_.erase(entry.unit);
        open_.erase(entry.unit);
    } else if (entry.event == "failed") {
        ++histories_[entry.unit].failures;
        close(entry.unit, attempt);
        note(entry);
    } else if (entry.event == "died") {
        ++histories_[entry.unit].deaths;
        close(entry.unit, attempt);
        note(entry);
    } else if (entry.event == "released") {
        close(entry.unit, attempt);
    } else if (entry.event == "quarantined") {
        note(entry);
        histories_[entry.unit].is_quarantined = true;
    }
}

/// The reason of a quarantine stays.
void HistoryReader::note(const JournalEntry& entry) {
    UnitHistory& history = histories_[entry.unit];
    const bool is_final = history.is_quarantined && entry.event != "quarantined";
    if (!entry.reason.empty() && !is_final) history.reason = entry.reason;
}

void HistoryReader::close(std::int64_t unit, const Attempt& attempt) {
    const auto open = open_.find(unit);
    if (open == open_.end()) return;
    open->second.erase(attempt);
    if (open->second.empty()) open_.erase(open);
}

template <typename Predicate>
void HistoryReader::end_attempts(Predicate is_ended) {
    for (auto open = open_.begin(); open != open_.end();) {
        const auto ended = std::erase_if(open->second, is_ended);
        if (ended > 0) histories_[open->first].deaths += static_cast<int>(ended);
        open = open->second.empty() ? open_.erase(open) : std::next(open);
    }
}

std::map<std::int64_t, UnitHistory> read_histories(const std::filesystem::path& folder) {
    HistoryReader reader;
    for_each_journal_entry(folder, [&](const JournalEntry& entry) { reader.read(entry); });
    return reader.finish();
}

}  // namespace jobs
