#include "pipeline/data/dataset.h"

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include "pipeline/data/dataset_rows.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_dataset.h"
#include "pipeline/data/hdf5_location.h"
#include "pipeline/data/image_folder.h"
#include "pipeline/data/resize.h"

namespace pipeline {

std::vector<std::int64_t> indices_to_check(std::span<const std::int64_t> indices) {
    if (indices.size() <= checked_images_limit) return {indices.begin(), indices.end()};
    std::vector<std::int64_t> sample;
    sample.reserve(checked_images_limit);
    for (std::size_t i = 0; i < checked_images_limit; ++i) {
        sample.push_back(indices[i * (indices.size() - 1) / (checked_images_limit - 1)]);
    }
    return sample;
}

ImageBatch make_image_batch(std::size_t count, const operators::Shape& shape) {
    ImageBatch batch;
    batch.images = at::zeros({static_cast<std::int64_t>(count), shape.channels, shape.height, shape.width},
                             at::TensorOptions().dtype(at::kFloat));
    batch.names.resize(count);
    batch.content_hashes.resize(count);
    batch.errors.resize(count);
    return batch;
}

void check_image_channels(std::int64_t channels, std::int64_t wanted, const std::filesystem::path& path) {
    if (channels == wanted || channels == 1 || wanted == 0) return;
    throw FileError(path, "has " + std::to_string(channels) + " channels, the network takes " + std::to_string(wanted) +
                              (wanted == 1 ? "; make it grey first, e.g. convert IN -colorspace Gray OUT" : ""));
}

at::Tensor fit_image(const at::Tensor& image, const operators::Shape& shape, const std::filesystem::path& path) {
    check_image_channels(image.size(0), shape.channels, path);
    return resize_to_cover(image, shape.height, shape.width).expand({shape.channels, -1, -1});
}

at::Tensor measured_image(const at::Tensor& image, const operators::Shape& y, const std::filesystem::path& path) {
    if (image.size(1) != y.height || image.size(2) != y.width) {
        throw FileError(path, "has " + std::to_string(image.size(1)) + "x" + std::to_string(image.size(2)) +
                                  " pixels (height x width), was planned with " + std::to_string(y.height) + "x" +
                                  std::to_string(y.width));
    }
    if (image.size(0) == y.channels) return image;
    if (image.size(0) == 1) return image.expand({y.channels, -1, -1});
    if (y.channels != 1) check_image_channels(image.size(0), y.channels, path);
    return image.mean(0, /*keepdim=*/true);
}

MeasuredBatch make_measured_batch(std::size_t count, const operators::Shape& y) {
    return {make_image_batch(count, y), std::vector<std::int64_t>(count, 0), std::vector<std::int64_t>(count, 0)};
}

std::unique_ptr<Dataset> open_measurements(const std::string& location) {
    return open_dataset(location, operators::Shape{0, 0, 0});
}

std::unique_ptr<Dataset> open_dataset(const std::string& location, const operators::Shape& shape) {
    std::error_code error;
    if (std::filesystem::is_directory(location, error)) return std::make_unique<ImageFolder>(location, shape);
    if (const auto hdf5 = split_hdf5_location(location)) {
        return std::make_unique<Hdf5Dataset>(hdf5->file, hdf5->name, shape);
    }
    // Say which of the two forms was nearly right.
    if (!std::filesystem::exists(location, error)) {
        throw FileError(location, "no such folder; wanted is a folder of PNG and JPEG files, or FILE.h5:NAME");
    }
    if (!is_hdf5_file(location)) {
        throw FileError(location, "is one file; wanted is a folder of PNG and JPEG files, or FILE.h5:NAME");
    }
    throw FileError(location, "which of its datasets? Write FILE.h5:NAME; it holds " + list_hdf5_datasets(location));
}

}  // namespace pipeline
