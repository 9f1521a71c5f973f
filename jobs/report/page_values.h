#pragma once

#include <cstddef>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "jobs/report/report_runs.h"

namespace jobs {

/// The numbers of single images that a page draws as distributions: for every point and metric the quartiles
/// (0, 25, 50, 75, 100 %) over all its images, and the values of the images that `spread_order` puts first, as many as
/// the limit allows, with those images' numbers.
/// @param most_values  over all points and metrics, about
nlohmann::json page_values(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups,
                           std::size_t most_values = 60'000);

}  // namespace jobs
