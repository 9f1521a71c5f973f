#include "jobs/results_copied_images.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace jobs {

namespace {

// Bits of HDF5's filter mask: which filters of a dataset were left out for a chunk, in the order of its layout.
constexpr std::uint32_t without_shuffle = 1;
constexpr std::uint32_t without_any_of_three = 7;

/// Values of one entry below `leading` axes.
std::int64_t values_below(const std::vector<std::int64_t>& shape, std::size_t leading) {
    return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(leading), shape.end(), std::int64_t{1},
                           std::multiplies<>());
}

}  // namespace

pipeline::Hdf5Layout one_image_a_chunk(const std::vector<std::int64_t>& shape, std::size_t leading, bool is_shuffled) {
    pipeline::Hdf5Layout layout{
        .chunk = {shape.begin(), shape.end()}, .deflate = 1, .shuffle = is_shuffled, .fletcher32 = true};
    std::fill_n(layout.chunk.begin(), leading, 1);
    return layout;
}

CopiedImages::CopiedImages(pipeline::Hdf5File& results, std::string name, at::ScalarType type,
                           const std::vector<std::int64_t>& shape, std::size_t leading, bool is_shuffled)
    : results_(results), name_(std::move(name)), leading_(leading), is_shuffled_(is_shuffled) {
    results_.make_dataset(
        name_, type, shape,
        values_below(shape, 0) == 0 ? pipeline::Hdf5Layout{} : one_image_a_chunk(shape, leading, is_shuffled));
    dataset_.emplace(results_.chunk_writer(name_));
}

std::vector<std::uint64_t> CopiedImages::offset(const std::vector<std::int64_t>& place, std::int64_t image) const {
    std::vector<std::uint64_t> offset(place.begin(), place.end());
    offset.back() += static_cast<std::uint64_t>(image);
    offset.resize(dataset_->shape().size(), 0);
    return offset;
}

void CopiedImages::copy(const pipeline::PackedImages& source, const std::vector<std::int64_t>& place) {
    if (source.is_shuffled() && !is_shuffled_) {
        throw std::logic_error("results: an image is shuffled, its place in " + name_ + " is not");
    }
    if (source.type() != dataset_->type() ||
        values_below(source.shape(), 1) != values_below(dataset_->shape(), leading_)) {
        throw std::logic_error("results: an image is not of the type and size of those of " + name_);
    }
    for (std::int64_t image = 0; image < source.count(); ++image) {
        // Where only this dataset shuffles, the chunk says that it was not, and the other filters have moved up by one.
        std::uint32_t mask = source.filter_mask(image);
        if (is_shuffled_ && !source.is_shuffled()) mask = mask << 1 | without_shuffle;
        dataset_->write(offset(place, image), mask, source.chunk(image));
    }
    if (!first_file_.empty()) return;
    first_file_ = source.file();
    first_name_ = source.name();
    first_place_ = place;
}

void CopiedImages::fill_missing(const std::vector<std::int64_t>& place, std::int64_t images) {
    const auto values = static_cast<std::size_t>(values_below(dataset_->shape(), leading_));
    const std::vector<float> nothing(values, std::numeric_limits<float>::quiet_NaN());
    std::string bytes(values * sizeof(float), '\0');
    std::memcpy(bytes.data(), nothing.data(), bytes.size());
    const std::uint32_t mask = is_shuffled_ ? without_any_of_three : without_any_of_three >> 1;
    for (std::int64_t image = 0; image < images; ++image) dataset_->write(offset(place, image), mask, bytes);
}

void CopiedImages::finish() {
    // Closed first: a dataset that stays open remembers that a chunk was missing when it was last looked for.
    dataset_.reset();
    if (first_file_.empty()) return;
    const at::Tensor expected = pipeline::Hdf5File::open(first_file_).read_rows(first_name_, 0, 1).contiguous();
    const at::Tensor copied = results_.read_at(name_, first_place_).contiguous();
    if (copied.scalar_type() != expected.scalar_type() || copied.nbytes() != expected.nbytes() ||
        std::memcmp(copied.const_data_ptr(), expected.const_data_ptr(), copied.nbytes()) != 0) {
        throw std::logic_error("results: " + name_ + " was not copied as it is stored");
    }
}

}  // namespace jobs
