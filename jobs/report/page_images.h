#pragma once

#include <cstddef>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "jobs/report/report_runs.h"

namespace jobs {

/// What the image browser of a page shows: pictures as base64 PNG, each content once, and for every group its images
/// with the pictures and numbers of each method. The images are the first of a fixed order that spreads over the
/// dataset (its van der Corput sequence), as many as the limit allows; where not even four fit, pictures are averaged
/// to half their size until they do. The JSON says what was shown of how many, and at which scale.
/// @param most_bytes  of the JSON, about
/// @throws pipeline::FileError  where images cannot be read
nlohmann::json page_images(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups,
                           std::size_t most_bytes);

/// The numbers 0 … count − 1, each prefix spread evenly.
std::vector<std::size_t> spread_order(std::size_t count);

}  // namespace jobs
