#pragma once

#include <map>
#include <string>
#include <vector>

#include "jobs/campaign.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sha256.h"

namespace jobs {

/// Which measurements a run has, and where their rows go in results.h5.
struct MeasurementGroup {
    std::string name;  ///< "box_24": measurements/NAME
    std::string operator_name;
    std::vector<double> sigma_y;           ///< Ascending.
    std::map<double, std::string> labels;  ///< Folder of each noise level.
};

/// The groups of all configurations that restore, in the plan's order.
std::vector<MeasurementGroup> measurement_groups(const SweepPlan& plan);

/// Writes `truth` [image, y, x, channel] with its names and hashes, and per group y [sigma, image, y, x, channel] with
/// its masks or kernels, all read from the committed measurement files. Blocks that are not there yet stay NaN.
/// @param digest  is fed the content digests of the files that were read, in order
/// @throws pipeline::FileError  naming a damaged file
void write_measurements(pipeline::Hdf5File& results, const Campaign& campaign, pipeline::Sha256& digest);

}  // namespace jobs
