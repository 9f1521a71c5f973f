#include "pipeline/data/hdf5_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>

#include "operators/shape.h"
#include "pipeline/data/dataset_rows.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/image_codec.h"
#include "pipeline/data/sha256.h"

namespace pipeline {

namespace {

/// Every image has a name in memory.
constexpr std::int64_t most_images = 10'000'000;

std::string extent_text(const std::vector<std::int64_t>& extent) {
    std::string text = "[";
    for (std::size_t axis = 0; axis < extent.size(); ++axis) {
        text += (axis > 0 ? ", " : "") + std::to_string(extent[axis]);
    }
    return text + "]";
}

}  // namespace

Hdf5Dataset::Hdf5Dataset(std::filesystem::path path, std::string dataset, operators::Shape shape)
    : path_(std::move(path)),
      dataset_(std::move(dataset)),
      shape_(shape),
      file_(as_file_error(path_, [this] { return Hdf5File::open(path_); })) {
    as_file_error(path_, [this] {
        find_layout();
        find_range();
    });
    names_.reserve(static_cast<std::size_t>(extent_.front()));
    for (std::int64_t i = 0; i < extent_.front(); ++i) names_.push_back(std::to_string(i));
}

void Hdf5Dataset::find_layout() {
    extent_ = file_.shape(dataset_);
    const std::string described = "'" + dataset_ + "' has shape " + extent_text(extent_);
    if (extent_.size() != 3 && extent_.size() != 4) {
        throw FileError(path_, described + "; images are [N, H, W], [N, H, W, C] or [N, C, H, W] with C = 1 or 3");
    }
    if (extent_.front() == 0) throw FileError(path_, described + ": it holds no image");
    if (extent_.front() > most_images) {
        throw FileError(path_, described + ": more than " + std::to_string(most_images) + " images");
    }
    std::int64_t height = extent_[1];
    std::int64_t width = extent_[2];
    if (extent_.size() == 4) {
        const bool is_first = extent_[1] == 1 || extent_[1] == 3;
        const bool is_last = extent_[3] == 1 || extent_[3] == 3;
        if (is_first && is_last) throw FileError(path_, described + ": both ends could be the channels");
        if (!is_first && !is_last) throw FileError(path_, described + ": neither end has 1 or 3 channels");
        is_channel_last_ = is_last;
        channels_ = is_last ? extent_[3] : extent_[1];
        if (is_first) height = extent_[2], width = extent_[3];
    }
    check_image_size(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height), path_);

    // The type is what reading no row gives.
    type_ = file_.read_rows(dataset_, 0, 0).scalar_type();
    if (type_ != at::kByte && type_ != at::kFloat && type_ != at::kDouble) {
        throw FileError(path_,
                        "'" + dataset_ + "' holds " + c10::toString(type_) + "; images are uint8, float32 or float64");
    }
}

void Hdf5Dataset::find_range() {
    const auto attribute = file_.attribute(dataset_, "valid_range");
    if (!attribute) return;
    std::vector<double> range;
    if (const auto* reals = std::get_if<std::vector<double>>(&*attribute)) range = *reals;
    if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&*attribute)) {
        range.assign(integers->begin(), integers->end());
    }
    if (range.size() != 2 || !std::isfinite(range[0]) || !std::isfinite(range[1]) || range[0] >= range[1]) {
        throw FileError(path_, "attribute valid_range of '" + dataset_ + "' is not two ascending numbers");
    }
    if (type_ == at::kByte && (range[0] != 0 || range[1] != 255)) {
        throw FileError(path_, "attribute valid_range of '" + dataset_ + "' is not 0, 255, which uint8 images have");
    }
    has_range_ = true;
    if (type_ != at::kByte) low_ = range[0], high_ = range[1];
}

const std::string& Hdf5Dataset::name(std::int64_t index) const {
    if (index < 0 || index >= size()) {
        throw std::invalid_argument("hdf5 dataset: image " + std::to_string(index) + " asked for, there are " +
                                    std::to_string(size()));
    }
    return names_[static_cast<std::size_t>(index)];
}

at::Tensor Hdf5Dataset::stored(std::int64_t index) const {
    return as_file_error(path_, [&] { return file_.read_rows(dataset_, index, 1)[0]; });
}

at::Tensor Hdf5Dataset::image_of(const at::Tensor& stored, std::int64_t index, bool may_exceed) const {
    at::Tensor image = stored.dim() == 2 ? stored.unsqueeze(0) : is_channel_last_ ? stored.permute({2, 0, 1}) : stored;
    image = image.contiguous();
    if (type_ == at::kByte) return image.to(at::kFloat).div_(127.5).sub_(1);
    const bool is_finite = at::isfinite(image).all().item<bool>();
    if (!is_finite) {
        throw FileError(path_,
                        "image " + std::to_string(index) + " of '" + dataset_ + "' has values that are not finite");
    }
    const bool is_inside = ((image >= low_) & (image <= high_)).all().item<bool>();
    if (!is_inside && !may_exceed) {
        throw FileError(path_, "image " + std::to_string(index) + " of '" + dataset_ + "' has values outside [" +
                                   std::to_string(low_) + ", " + std::to_string(high_) +
                                   "]; state another range as attribute valid_range");
    }
    if (low_ == -1 && high_ == 1) return image.to(at::kFloat);
    return image.to(at::kDouble).sub_(low_).mul_(2 / (high_ - low_)).sub_(1).to(at::kFloat);
}

ImageBatch Hdf5Dataset::images(std::span<const std::int64_t> indices) const {
    ImageBatch batch = make_image_batch(indices.size(), shape_);
    for (std::size_t row = 0; row < indices.size(); ++row) {
        const std::int64_t index = indices[row];
        batch.names[row] = name(index);
        try {
            const at::Tensor values = stored(index).contiguous();
            const auto* bytes = static_cast<const std::byte*>(values.const_data_ptr());
            batch.content_hashes[row] = Sha256().update(std::span(bytes, values.nbytes())).finish();
            batch.images[static_cast<std::int64_t>(row)].copy_(
                fit_image(image_of(values, index, false), shape_, path_));
        } catch (const FileError& error) {
            batch.errors[row] = error.what();
        }
    }
    return batch;
}

MeasuredBatch Hdf5Dataset::measured(std::span<const std::int64_t> indices, const operators::Shape& y) const {
    MeasuredBatch measured = make_measured_batch(indices.size(), y);
    for (std::size_t row = 0; row < indices.size(); ++row) {
        const std::int64_t index = indices[row];
        measured.batch.names[row] = name(index);
        try {
            const at::Tensor values = stored(index).contiguous();
            const auto* bytes = static_cast<const std::byte*>(values.const_data_ptr());
            measured.batch.content_hashes[row] = Sha256().update(std::span(bytes, values.nbytes())).finish();
            measured.batch.images[static_cast<std::int64_t>(row)].copy_(
                measured_image(image_of(values, index, true), y, path_));
            measured.channels[row] = channels_;
            measured.bits[row] = header(index).bits;
        } catch (const FileError& error) {
            measured.batch.errors[row] = error.what();
        }
    }
    return measured;
}

ImageHeader Hdf5Dataset::header(std::int64_t index) const {
    static_cast<void>(name(index));
    const bool is_last = extent_.size() == 4 && is_channel_last_;
    const std::size_t height = extent_.size() == 4 && !is_last ? 2 : 1;
    return {channels_, extent_[height], extent_[height + 1], type_ == at::kByte ? 8 : 16};
}

void Hdf5Dataset::check(std::span<const std::int64_t> indices) const {
    check_image_channels(channels_, shape_.channels, path_);
    // Of measurements no shape is asked for.
    const bool is_measured = shape_.count() == 0;
    constexpr std::size_t looked_at = 16;
    bool is_negative_seen = false;
    for (std::size_t i = 0; i < std::min(indices.size(), looked_at); ++i) {
        static_cast<void>(name(indices[i]));
        const at::Tensor values = stored(indices[i]);
        static_cast<void>(image_of(values, indices[i], is_measured));
        is_negative_seen = is_negative_seen || (values < 0).any().item<bool>();
    }
    if (type_ == at::kByte || has_range_ || is_negative_seen || indices.empty()) return;
    throw FileError(path_, "'" + dataset_ +
                               "' holds floats and none is negative: on which range? State it as attribute "
                               "valid_range, e.g. [0.0, 1.0]; without it [-1, 1] is meant");
}

std::string Hdf5Dataset::labels_name() const {
    const std::size_t slash = dataset_.rfind('/');
    return (slash == std::string::npos ? "" : dataset_.substr(0, slash + 1)) + "labels";
}

at::Tensor Hdf5Dataset::all_labels() const {
    const std::string name = labels_name();
    if (!file_.has(name)) throw FileError(path_, "no '" + name + "' with the classes of '" + dataset_ + "'");
    const at::Tensor labels = as_file_error(path_, [&] { return file_.read(name); });
    if (labels.dim() != 1 || labels.size(0) != size() || labels.is_floating_point()) {
        throw FileError(path_, "'" + name + "' is no column of " + std::to_string(size()) +
                                   " whole numbers, one for each image of '" + dataset_ + "'");
    }
    return labels.to(at::kLong).contiguous();
}

std::vector<std::int64_t> Hdf5Dataset::labels(std::span<const std::int64_t> indices) const {
    const at::Tensor all = all_labels();
    std::vector<std::int64_t> labels;
    for (const std::int64_t index : indices) {
        static_cast<void>(name(index));
        labels.push_back(all.const_data_ptr<std::int64_t>()[index]);
    }
    return labels;
}

std::string Hdf5Dataset::digest() const {
    Sha256 hash;
    hash.update("hdf5 dataset\n" + dataset_ + "\n" + c10::toString(type_) + " " + extent_text(extent_) + "\n");
    hash.update(std::to_string(low_) + " " + std::to_string(high_) + "\n");
    hash.update(std::to_string(std::filesystem::file_size(path_)));
    if (file_.has(labels_name())) {
        const at::Tensor labels = as_file_error(path_, [&] { return file_.read(labels_name()).contiguous(); });
        hash.update(std::span(static_cast<const std::byte*>(labels.const_data_ptr()), labels.nbytes()));
    }
    return hash.finish();
}

}  // namespace pipeline
