#pragma once

#include <string>

#include "jobs/journal.h"

namespace jobs {

/// Reads one line of a journal, a JSON object with an `event`. Lines as `Journal` writes them, flat and of plain ASCII,
/// are read in one pass, several times as fast as the JSON library reads them (which reads all others): a run of 10⁵
/// units has 2·10⁵ lines, and `status` reads them all.
/// @return false for a torn or foreign line
bool read_journal_line(const std::string& line, JournalEntry& entry);

/// The same by the JSON library alone.
bool read_any_journal_line(const std::string& line, JournalEntry& entry);

}  // namespace jobs
