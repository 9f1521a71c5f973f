#include <hdf5_hl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

std::string Hdf5File::read_chunk(const std::string& name, const std::vector<std::uint64_t>& offset,
                                 std::uint32_t& filter_mask) const {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const std::vector<hsize_t> start = chunk_offset(dataset, offset, place);
    hsize_t size = 0;
    check_hdf5(H5Dget_chunk_storage_size(dataset, start.data(), &size), "H5Dget_chunk_storage_size", place);
    if (size == 0) refuse_hdf5(place, "the chunk was never written");
    if (size > hdf5_chunk_limit_bytes) refuse_hdf5(place, "a chunk of " + std::to_string(size) + " bytes");
    std::string bytes(size, '\0');
    check_hdf5(H5Dread_chunk(dataset, H5P_DEFAULT, start.data(), &filter_mask, bytes.data()), "H5Dread_chunk", place);
    return bytes;
}

std::optional<Hdf5Chunks> Hdf5File::chunks(const std::string& name) const {
    const Hdf5Place place{path_, name};
    const Hdf5Handle dataset = open_hdf5_dataset(id_, place);
    const Hdf5Handle creation(check_hdf5(H5Dget_create_plist(dataset), "H5Dget_create_plist", place), H5Pclose);
    if (H5Pget_layout(creation) != H5D_CHUNKED) return std::nullopt;

    const Hdf5Handle space(check_hdf5(H5Dget_space(dataset), "H5Dget_space", place), H5Sclose);
    std::vector<std::int64_t> entry = extent_of_hdf5(space, place);
    const std::int64_t count = std::exchange(entry.front(), 1);
    std::vector<hsize_t> sides(entry.size());
    check_hdf5(H5Pget_chunk(creation, static_cast<int>(sides.size()), sides.data()), "H5Pget_chunk", place);
    if (!std::equal(sides.begin(), sides.end(), entry.begin(), entry.end(),
                    [](hsize_t side, std::int64_t extent) { return side == static_cast<hsize_t>(extent); })) {
        refuse_hdf5(place, "its chunks are not one entry of the leading axis each");
    }
    Hdf5Chunks chunks;
    unsigned flags = 0;
    std::size_t values = 0;
    chunks.is_shuffled = H5Pget_nfilters(creation) > 0 && H5Pget_filter2(creation, 0, &flags, &values, nullptr, 0,
                                                                         nullptr, nullptr) == H5Z_FILTER_SHUFFLE;
    std::vector<hsize_t> offset(entry.size(), 0);
    for (; offset.front() < static_cast<hsize_t>(count); ++offset.front()) {
        unsigned mask = 0;
        haddr_t address = HADDR_UNDEF;
        hsize_t bytes = 0;
        check_hdf5(H5Dget_chunk_info_by_coord(dataset, offset.data(), &mask, &address, &bytes),
                   "H5Dget_chunk_info_by_coord", place);
        if (address == HADDR_UNDEF) refuse_hdf5(place, "a chunk was never written");
        chunks.places.push_back({address, bytes, mask});
    }
    return chunks;
}

Hdf5ChunkWriter Hdf5File::chunk_writer(const std::string& name) {
    const Hdf5Place place{path_, name};
    // Its cache of chunks would stay empty, and many datasets may be open together.
    const Hdf5Handle access(check_hdf5(H5Pcreate(H5P_DATASET_ACCESS), "H5Pcreate", place), H5Pclose);
    check_hdf5(H5Pset_chunk_cache(access, 1, 0, 0), "H5Pset_chunk_cache", place);
    { const Hdf5Handle checked = open_hdf5_dataset(id_, place); }
    Hdf5Handle dataset(check_hdf5(H5Dopen2(id_, name.c_str(), access), "H5Dopen2", place), H5Dclose);
    const Hdf5Handle space(check_hdf5(H5Dget_space(dataset), "H5Dget_space", place), H5Sclose);
    const Hdf5Handle type(check_hdf5(H5Dget_type(dataset), "H5Dget_type", place), H5Tclose);
    std::vector<std::int64_t> shape = extent_of_hdf5(space, place);
    const at::ScalarType scalar_type = tensor_type_of_hdf5(type, place);
    return {path_, name, dataset.release(), std::move(shape), scalar_type};
}

Hdf5ChunkWriter::Hdf5ChunkWriter(Hdf5ChunkWriter&& other) noexcept
    : path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      id_(std::exchange(other.id_, -1)),
      shape_(std::move(other.shape_)),
      type_(other.type_) {}

Hdf5ChunkWriter::~Hdf5ChunkWriter() {
    if (id_ >= 0) H5Dclose(id_);
}

void Hdf5ChunkWriter::close() {
    const hid_t id = std::exchange(id_, -1);
    if (id >= 0) check_hdf5(H5Dclose(id), "H5Dclose", {path_, name_});
}

void Hdf5ChunkWriter::write(const std::vector<std::uint64_t>& offset, std::uint32_t filter_mask,
                            std::string_view bytes) {
    const Hdf5Place place{path_, name_};
    if (offset.size() != shape_.size()) {
        refuse_hdf5(place, "a chunk's offset has " + std::to_string(offset.size()) + " entries, the dataset has " +
                               std::to_string(shape_.size()) + " axes");
    }
    const std::vector<hsize_t> start(offset.begin(), offset.end());
    check_hdf5(H5Dwrite_chunk(id_, H5P_DEFAULT, filter_mask, start.data(), bytes.size(), bytes.data()),
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
