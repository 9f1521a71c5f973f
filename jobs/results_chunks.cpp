#include "jobs/results_chunks.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace jobs {

namespace {

// Bits of HDF5's filter mask: which filters of a dataset were left out for a chunk, in the order of its layout.
constexpr std::uint32_t without_shuffle = 1;
constexpr std::uint32_t without_any_of_three = 7;

std::vector<std::uint64_t> chunk_place(const ChunkTarget& target, std::int64_t image) {
    std::vector<std::uint64_t> offset(target.leading.begin(), target.leading.end());
    offset.back() += static_cast<std::uint64_t>(image);
    offset.resize(target.file.shape(target.name).size(), 0);
    return offset;
}

}  // namespace

pipeline::Hdf5Layout one_image_a_chunk(const std::vector<std::int64_t>& shape, std::size_t leading, bool is_shuffled) {
    pipeline::Hdf5Layout layout{
        .chunk = {shape.begin(), shape.end()}, .deflate = 1, .shuffle = is_shuffled, .fletcher32 = true};
    std::fill_n(layout.chunk.begin(), leading, 1);
    return layout;
}

void copy_chunks(const ChunkSource& source, const ChunkTarget& target) {
    if (source.is_shuffled && !target.is_shuffled) {
        throw std::logic_error("results: " + source.name + " is shuffled, its place in results.h5 is not");
    }
    const std::size_t axes = source.file.shape(source.name).size();
    for (std::int64_t image = 0; image < source.images; ++image) {
        std::vector<std::uint64_t> offset(axes, 0);
        offset[0] = static_cast<std::uint64_t>(image);
        std::uint32_t mask = 0;
        const std::vector<std::byte> bytes = source.file.read_chunk(source.name, offset, mask);
        // Where only the target shuffles, the chunk says that it was not, and the other filters have moved up by one.
        if (target.is_shuffled && !source.is_shuffled) mask = mask << 1 | without_shuffle;
        target.file.write_chunk(target.name, chunk_place(target, image), mask, bytes);
    }
}

void write_missing(const ChunkTarget& target, std::int64_t images) {
    const std::vector<std::int64_t> shape = target.file.shape(target.name);
    std::size_t values = 1;
    for (std::size_t axis = target.leading.size(); axis < shape.size(); ++axis) {
        values *= static_cast<std::size_t>(shape[axis]);
    }
    const std::vector<float> nothing(values, std::numeric_limits<float>::quiet_NaN());
    std::vector<std::byte> bytes(values * sizeof(float));
    std::memcpy(bytes.data(), nothing.data(), bytes.size());
    const std::uint32_t mask = target.is_shuffled ? without_any_of_three : without_any_of_three >> 1;
    for (std::int64_t image = 0; image < images; ++image) {
        target.file.write_chunk(target.name, chunk_place(target, image), mask, bytes);
    }
}

}  // namespace jobs
