#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "jobs/campaign.h"
#include "pipeline/data/hdf5.h"

namespace jobs {

/// Writes the group `posterior` of results.h5: an entry for each configuration and image of which two samples or more
/// are committed, in the order of the rows. Columns as those of `row`, with the metrics of the samples' mean, and
/// `samples`, `spread`, `coverage_50`, `coverage_90`, `coverage_95`; the images `mean` and `std`; `rank_histogram`: see
/// PosteriorSamples. Means are of the values as they are stored. Block by block: needs the memory of one.
/// @param units  that are committed, ascending
/// @return the columns as CSV; empty where there is no entry, and then no group
/// @throws pipeline::FileError  naming a damaged file
std::string write_posterior(pipeline::Hdf5File& results, const Campaign& campaign, std::span<const std::int64_t> units);

}  // namespace jobs
