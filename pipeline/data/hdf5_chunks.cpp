#include <hdf5_hl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_handle.h"
#include "pipeline/data/hdf5_types.h"

namespace pipeline {

namespace {

/// The offset as the library takes it, after a check that it has as many axes as the dataset.
std::vector<hsize_t> chunk_offset(hid_t dataset, const std::vector<std::uint64_t>& offset, const Hdf5Place& place) {
    const Hdf5Handle space(check_hdf5(H5Dget_space(dataset), "H5Dget_space", place), H5Sclose);
    const std::size_t axes = extent_of_hdf5(space, place).size();
    if (offset.size() != axes) {
        refuse_hdf5(place, "a chunk's offset has " + std::to_string(offset.size()) + " entries, the dataset has " +
                               std::to_string(axes) + " axes");
    }
    return {offset.begin(), offset.end()};
}

}  // namespace

std::vector<std::byte> Hdf5File::read_chunk(const std::string& name, const std::vector<std::uint64_t>& offset,
                                            std::uint32_t& filter_mask) const {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const std::vector<hsize_t> start = chunk_offset(dataset, offset, place);
    hsize_t size = 0;
    check_hdf5(H5Dget_chunk_storage_size(dataset, start.data(), &size), "H5Dget_chunk_storage_size", place);
    if (size == 0) refuse_hdf5(place, "the chunk was never written");
    if (size > hdf5_chunk_limit_bytes) refuse_hdf5(place, "a chunk of " + std::to_string(size) + " bytes");
    std::vector<std::byte> bytes(size);
    check_hdf5(H5Dread_chunk(dataset, H5P_DEFAULT, start.data(), &filter_mask, bytes.data()), "H5Dread_chunk", place);
    return bytes;
}

void Hdf5File::write_chunk(const std::string& name, const std::vector<std::uint64_t>& offset, std::uint32_t filter_mask,
                           const std::vector<std::byte>& bytes) {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const std::vector<hsize_t> start = chunk_offset(dataset, offset, place);
    check_hdf5(H5Dwrite_chunk(dataset, H5P_DEFAULT, filter_mask, start.data(), bytes.size(), bytes.data()),
               "H5Dwrite_chunk", place);
}

void Hdf5File::make_scale(const std::string& name, const std::string& dimension) {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    check_hdf5(H5DSset_scale(dataset, dimension.c_str()), "H5DSset_scale", place);
}

void Hdf5File::attach_scale(const std::string& dataset, int axis, const std::string& scale) {
    const Hdf5Place place{path_, dataset};
    const Hdf5Handle values = open_hdf5_dataset(id_, place);
    const Hdf5Handle scale_values = open_hdf5_dataset(id_, {path_, scale});
    check_hdf5(H5DSattach_scale(values, scale_values, static_cast<unsigned>(axis)), "H5DSattach_scale", place);
}

}  // namespace pipeline
