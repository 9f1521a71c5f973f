#pragma once

#include <string>

#include "jobs/report/report_runs.h"

namespace jobs {

/// The command line that computes a run again from its job text, saved as job.ini anywhere: paths are absolute, words
/// quoted for a shell.
std::string rerun_command(const ReportRun& run);

/// A word of a POSIX shell's command line, in single quotes where it needs them.
std::string shell_word(const std::string& text);

}  // namespace jobs
