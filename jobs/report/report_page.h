#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "jobs/report/report_runs.h"

namespace jobs {

/// What a page may take.
inline constexpr std::size_t page_limit_bytes = 20'000'000;

/// A page that holds everything it needs (styles, scripts, numbers, pictures) and works from a file without a network:
/// its own policy forbids any other. Images are sampled so that it stays below the limit, and it says so.
/// @throws pipeline::FileError, EnvironmentError  where a run cannot be read
std::string report_page(const std::vector<ReportRun>& runs, std::size_t most_bytes = page_limit_bytes);

}  // namespace jobs
