#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "jobs/report/report_runs.h"

namespace jobs {

inline constexpr int report_schema = 1;

/// Everything of a report but its pictures, as docs/report.md describes it: runs with their provenance and timelines,
/// groups of equal measurements, and the points in them with means, intervals and differences from the best. A number
/// that is not defined is null.
/// @throws pipeline::FileError, EnvironmentError  where a run cannot be read
nlohmann::json report_json(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups);

/// A number as JSON, rounded to seven digits; null where it is not finite.
nlohmann::json json_number(double value);

/// JSON as text that can stand inside a page's <script>: `<`, `>`, `&`, U+2028 and U+2029 are escaped, and bytes that
/// are no UTF-8 are replaced.
std::string json_for_page(const nlohmann::json& json);

}  // namespace jobs
