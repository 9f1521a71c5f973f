#include "pipeline/data/hdf5_chunk_check.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/data/hdf5_types.h"

namespace pipeline {

namespace {

constexpr std::uint64_t fletcher32_bytes = 4;

/// How a dataset is cut and packed.
struct ChunkStorage {
    std::vector<hsize_t> sides;
    std::uint64_t bytes = 0;            ///< Of one chunk, unpacked
    std::vector<H5Z_filter_t> filters;  ///< In the order in which they were applied
};

ChunkStorage chunk_storage(hid_t dataset, hid_t creation, std::size_t axes, const Hdf5Place& place) {
    const Hdf5Handle type(check_hdf5(H5Dget_type(dataset), "H5Dget_type", place), H5Tclose);
    ChunkStorage storage;
    storage.sides.resize(axes);
    storage.bytes = H5Tget_size(type);
    const int rank =
        check_hdf5(H5Pget_chunk(creation, static_cast<int>(axes), storage.sides.data()), "H5Pget_chunk", place);
    if (static_cast<std::size_t>(rank) != axes) refuse_hdf5(place, "its chunks have another number of axes");
    for (const hsize_t side : storage.sides) {
        if (side == 0 || storage.bytes > hdf5_chunk_limit_bytes / side)
            refuse_hdf5(place, "the size of its chunks is absurd");
        storage.bytes *= side;
    }
    const int count = check_hdf5(H5Pget_nfilters(creation), "H5Pget_nfilters", place);
    for (int i = 0; i < count; ++i) {
        unsigned flags = 0;
        unsigned settings = 0;
        std::size_t values = 0;
        storage.filters.push_back(
            H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &settings));
    }
    return storage;
}

/// Length of what a deflate stream holds; one more than `limit` where it is longer, 0 where it is damaged or cut.
std::uint64_t inflated_size(const std::vector<std::byte>& bytes, std::uint64_t size, std::uint64_t limit) {
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return 0;
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(size);
    std::array<Bytef, 65536> scratch;
    int status = Z_OK;
    while (status == Z_OK && stream.total_out <= limit) {
        stream.next_out = scratch.data();
        stream.avail_out = scratch.size();
        status = inflate(&stream, Z_NO_FLUSH);
    }
    const std::uint64_t total = stream.total_out;
    inflateEnd(&stream);
    if (total > limit) return limit + 1;
    return status == Z_STREAM_END ? total : 0;
}

/// The chunk at this offset, where it is stored. It is looked up once for its size and once for its bytes: the call
/// that would tell where it is walks through all chunks before it.
void check_chunk(hid_t dataset, const ChunkStorage& storage, const std::vector<hsize_t>& offset,
                 const Hdf5Place& place) {
    hsize_t stored = 0;
    // To HDF5 1.10 a chunk that is not stored is an error; where it is one, reading meets it again.
    if (H5Dget_chunk_storage_size(dataset, offset.data(), &stored) < 0 || stored == 0) return;
    if (stored > hdf5_chunk_limit_bytes) {
        refuse_hdf5(place, "a chunk is damaged: it has " + std::to_string(stored) + " bytes");
    }
    std::vector<std::byte> bytes(stored);
    std::uint32_t mask = 0;
    check_hdf5(H5Dread_chunk(dataset, H5P_DEFAULT, offset.data(), &mask, bytes.data()), "H5Dread_chunk", place);

    // Follow the size through the filters up to deflate, whose result can have any length.
    std::uint64_t before_deflate = storage.bytes;
    std::uint64_t behind_deflate = 0;
    bool is_deflated = false;
    for (std::size_t i = 0; i < storage.filters.size(); ++i) {
        if ((mask >> i & 1) != 0) continue;
        if (storage.filters[i] == H5Z_FILTER_FLETCHER32)
            (is_deflated ? behind_deflate : before_deflate) += fletcher32_bytes;
        if (is_deflated && storage.filters[i] != H5Z_FILTER_FLETCHER32)
            refuse_hdf5(place, "its filters stand in an order that is not read");
        is_deflated = is_deflated || storage.filters[i] == H5Z_FILTER_DEFLATE;
    }
    std::uint64_t unpacked = stored;
    if (is_deflated) {
        if (stored <= behind_deflate)
            refuse_hdf5(place, "a chunk is damaged: it has " + std::to_string(stored) + " bytes");
        unpacked = inflated_size(bytes, stored - behind_deflate, before_deflate);
    }
    if (unpacked != before_deflate)
        refuse_hdf5(place, "a chunk is damaged: it does not unpack to " + std::to_string(before_deflate) + " bytes");
}

/// Chunks that a part touches, or one more than `limit` where there are more.
std::uint64_t count_chunks(const ChunkStorage& storage, const std::vector<std::int64_t>& shape, std::uint64_t limit) {
    std::uint64_t chunks = 1;
    for (std::size_t axis = 0; axis < shape.size() && chunks <= limit; ++axis) {
        chunks *= static_cast<std::uint64_t>(shape[axis]) / storage.sides[axis] + 1;
    }
    return std::min(chunks, limit + 1);
}

}  // namespace

void check_hdf5_chunks(hid_t dataset, const std::vector<std::int64_t>& first, const std::vector<std::int64_t>& shape,
                       const Hdf5Place& place) {
    const Hdf5Handle creation(check_hdf5(H5Dget_create_plist(dataset), "H5Dget_create_plist", place), H5Pclose);
    const bool is_empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
    if (H5Pget_layout(creation) != H5D_CHUNKED || is_empty) return;
    unsigned options = 0;
    check_hdf5(H5Pget_chunk_opts(creation, &options), "H5Pget_chunk_opts", place);
    if (options != 0) refuse_hdf5(place, "its partial chunks are stored without filters, which is not read");
    const ChunkStorage storage = chunk_storage(dataset, creation, shape.size(), place);
    // Many of them may all be missing. Not asked for a few, since the library walks through all chunks for it.
    constexpr std::uint64_t few = 1000;
    if (count_chunks(storage, shape, few) > few && H5Dget_storage_size(dataset) == 0) return;

    // Walk the grid of chunks over the part, the last axis fastest.
    std::vector<hsize_t> begin(shape.size());
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
        const auto side = static_cast<std::int64_t>(storage.sides[axis]);
        begin[axis] = static_cast<hsize_t>(first[axis] / side * side);
    }
    std::vector<hsize_t> offset = begin;
    for (bool is_inside = true; is_inside;) {
        check_chunk(dataset, storage, offset, place);
        is_inside = false;
        for (std::size_t axis = shape.size(); axis-- > 0 && !is_inside;) {
            offset[axis] += storage.sides[axis];
            is_inside = offset[axis] < static_cast<hsize_t>(first[axis] + shape[axis]);
            if (!is_inside) offset[axis] = begin[axis];
        }
    }
}

}  // namespace pipeline
