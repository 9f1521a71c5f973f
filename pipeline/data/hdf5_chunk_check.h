#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/data/hdf5_handle.h"

namespace pipeline {

/// Holds every stored chunk that a part of a dataset touches to the size it must have when unpacked.
///
/// HDF5 1.10 trusts that what its filters give back fills a chunk, and reads past the end of what does not, so a
/// damaged or hostile file could bring foreign memory into an image. Chunks are therefore unpacked once here, without
/// keeping them. Nothing to do for datasets that are not chunked.
///
/// @param first  the part's first entry on every axis
/// @param shape  the part's extent on every axis
/// @throws Hdf5Error  where a chunk does not fit, or its filters stand in an order that nobody writes
void check_hdf5_chunks(hid_t dataset, const std::vector<std::int64_t>& first, const std::vector<std::int64_t>& shape,
                       const Hdf5Place& place);

}  // namespace pipeline
