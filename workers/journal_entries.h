#pragma once

#include <cstdint>
#include <string>

#include "jobs/journal.h"
#include "pipeline/run_unit.h"

namespace workers {

/// Who an entry of a journal is about.
struct Author {
    int rank = 0;
    std::string host, device;
};

/// An entry of now.
/// @param unit  −1: about the rank itself
jobs::JournalEntry entry_of(const std::string& event, const Author& author, std::int64_t unit = -1,
                            const std::string& reason = {});

/// "committed", with what the unit cost.
jobs::JournalEntry commit_entry(const Author& author, std::int64_t unit, const pipeline::UnitCost& cost);

}  // namespace workers
