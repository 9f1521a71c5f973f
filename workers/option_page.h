#pragma once

#include <string>

namespace workers {

/// Every option of a job file as Markdown: a table for the job's own, one for each method's and each operator's
/// section, with what is allowed, unit, default, whether it may be a list, help and paper. The generated part of
/// docs/job_file.md.
std::string option_page();

}  // namespace workers
