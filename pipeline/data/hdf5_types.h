#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/data/hdf5_handle.h"

namespace pipeline {

/// The most that one read may take, and one stored chunk: far above what images need, far below what breaks a node.
inline constexpr std::uint64_t hdf5_read_limit_bytes = std::uint64_t{1} << 34;
inline constexpr std::uint64_t hdf5_chunk_limit_bytes = std::uint64_t{1} << 30;

/// Element type of a tensor in memory. These identifiers belong to the library and are not closed.
/// @throws std::invalid_argument  where HDF5 files of ours do not hold this type
hid_t hdf5_memory_type(at::ScalarType type);

/// The same on disk: little-endian, whatever the machine.
hid_t hdf5_disk_type(at::ScalarType type);

/// What a stored numeric type is read as. float16, uint16 and uint32 become the next wider type that holds every value.
/// @throws Hdf5Error  where it is no number, or a number that no tensor here holds
at::ScalarType tensor_type_of_hdf5(hid_t type, const Hdf5Place& place);

/// Extent of a dataspace; empty for a scalar.
/// @throws Hdf5Error  where it is a null dataspace
std::vector<std::int64_t> extent_of_hdf5(hid_t space, const Hdf5Place& place);

/// Refuses to take memory that the file cannot account for: more than the limit, or more than deflate (1032 : 1 at
/// most) could have packed into what is stored.
void check_hdf5_read_size(hid_t dataset, std::uint64_t count, std::uint64_t bytes_per_element, const Hdf5Place& place);

}  // namespace pipeline
