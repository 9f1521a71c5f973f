#pragma once

#include <string>
#include <vector>

#include "jobs/report/report_runs.h"

namespace jobs {

/// summary.csv of several runs: the columns of one run's after a column `run`.
std::string comparison_summary_csv(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups);

/// differences.csv of several runs: every pair of points of one group, image by image, with the run of each.
std::string comparison_differences_csv(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups);

}  // namespace jobs
