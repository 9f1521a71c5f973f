#include "jobs/results_copied_images.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"

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
    check(source, place);
    for (std::int64_t image = 0; image < source.count(); ++image) {
        // Where only this dataset shuffles, the chunk says that it was not, and the other filters have moved up by one.
        const std::uint32_t stored_mask = source.filter_mask(image);
        std::uint32_t mask = stored_mask;
        if (is_shuffled_ && !source.is_shuffled()) mask = mask << 1 | without_shuffle;
        dataset_->write(offset(place, image), mask, source.chunk(image));
        const auto [first, is_new] = copied_.try_emplace({source.is_shuffled(), stored_mask});
        if (!is_new) continue;
        first->second = {source.file(), source.name(), image, place};
        first->second.place.back() += image;
    }
}

void CopiedImages::check(const pipeline::PackedImages& source, const std::vector<std::int64_t>& place) const {
    const auto refuse = [&](const std::string& reason) {
        throw pipeline::FileError(source.file(), "'" + source.name() + "' " + reason + " " + name_ + " of the results");
    };
    if (source.is_shuffled() && !is_shuffled_) refuse("is shuffled, unlike");
    // Of [N, 1, H, W], one mask for each image, the results hold [N, H, W].
    std::vector<std::int64_t> image = {source.shape().begin() + 1, source.shape().end()};
    const std::vector<std::int64_t>& whole = dataset_->shape();
    const std::vector<std::int64_t> wanted = {whole.begin() + static_cast<std::ptrdiff_t>(leading_), whole.end()};
    if (image.size() == wanted.size() + 1 && image.front() == 1) image.erase(image.begin());
    if (source.type() != dataset_->type() || image != wanted) refuse("is not of the type and size of");
    if (place.back() < 0 || place.back() + source.count() > whole[leading_ - 1]) refuse("has more images than");
}

void CopiedImages::fill_missing(const std::vector<std::int64_t>& place, std::int64_t images) {
    if (dataset_->type() != at::kFloat) throw std::logic_error("results: " + name_ + " is not float32");
    const auto values = static_cast<std::size_t>(values_below(dataset_->shape(), leading_));
    const std::vector<float> nothing(values, std::numeric_limits<float>::quiet_NaN());
    std::string bytes(values * sizeof(float), '\0');
    std::memcpy(bytes.data(), nothing.data(), bytes.size());
    const std::uint32_t mask = is_shuffled_ ? without_any_of_three : without_any_of_three >> 1;
    for (std::int64_t image = 0; image < images; ++image) dataset_->write(offset(place, image), mask, bytes);
}

void CopiedImages::finish() {
    // Closed first: a dataset that stays open remembers that a chunk was missing when it was last looked for.
    dataset_->close();
    for (const auto& [layout, one] : copied_) {
        const at::Tensor expected = pipeline::as_file_error(one.file, [&] {
            return pipeline::Hdf5File::open(one.file).read_rows(one.name, one.image, 1).contiguous();
        });
        const at::Tensor copied = results_.read_at(name_, one.place).contiguous();
        if (copied.scalar_type() != expected.scalar_type() || copied.nbytes() != expected.nbytes() ||
            std::memcmp(copied.const_data_ptr(), expected.const_data_ptr(), copied.nbytes()) != 0) {
            throw std::logic_error("results: " + name_ + " was not copied as it is stored");
        }
    }
}

}  // namespace jobs
