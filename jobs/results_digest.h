#pragma once

#include <string>

#include "pipeline/data/hdf5.h"

namespace jobs {

/// SHA-256 over every column and scale of a results file, its datasets of one axis: names, lengths and values, in the
/// order of names, groups after their folder's own. Images have HDF5's checksums.
/// @throws pipeline::Hdf5Error  where one cannot be read
std::string columns_digest(const pipeline::Hdf5File& file);

}  // namespace jobs
