#pragma once

#include <string>

#include "pipeline/data/hdf5.h"
#include "pipeline/networks/tensor_file.h"

namespace conformance {

/// Backbone weights that are a hash of their index, and published heads: a group `hashed_weights/NET` of a golden
/// metrics file. h = lowbias32(i·0x9E3779B1 + ordinal·0x85EBCA77 + seed mod 2³²), w = ((h >> 8) 2⁻²⁴ − ½) scale in
/// float32, i the element's index in C order.
/// @throws std::runtime_error  where the first values are not those that the file states
pipeline::TensorMap hashed_lpips_weights(const pipeline::Hdf5File& file, const std::string& group);

}  // namespace conformance
