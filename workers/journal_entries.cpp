#include "workers/journal_entries.h"

#include "workers/clock.h"

namespace workers {

jobs::JournalEntry entry_of(const std::string& event, const Author& author, std::int64_t unit,
                            const std::string& reason) {
    jobs::JournalEntry entry;
    entry.event = event;
    entry.unit = unit;
    entry.rank = author.rank;
    entry.time = epoch_seconds();
    entry.host = author.host;
    entry.device = author.device;
    entry.reason = reason;
    return entry;
}

jobs::JournalEntry commit_entry(const Author& author, std::int64_t unit, const pipeline::UnitCost& cost) {
    jobs::JournalEntry entry = entry_of("committed", author, unit);
    entry.seconds = cost.seconds;
    entry.seconds_sampling = cost.seconds_sampling;
    entry.diverged = cost.diverged;
    entry.unreadable = cost.unreadable;
    return entry;
}

}  // namespace workers
