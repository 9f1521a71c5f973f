#pragma once

#include <cstdint>
#include <filesystem>

#include "jobs/campaign.h"

namespace jobs {

struct MergeResult {
    std::filesystem::path results;  ///< results.h5
    std::filesystem::path csv;      ///< results.csv
    std::int64_t rows = 0;
    std::int64_t units_missing = 0;
};

/// Joins all committed units into results.h5 and results.csv, and posterior.csv where there are several samples of an
/// image, temporary name and rename. Raw chunks of `restored` are
/// copied as they are. Missing units are left out and counted.
/// @throws pipeline::FileError  naming a damaged unit
MergeResult merge(const Campaign& campaign);

}  // namespace jobs
