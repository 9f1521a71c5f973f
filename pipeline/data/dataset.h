#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"
#include "pipeline/data/image_file.h"

namespace pipeline {

/// Images of a dataset, ready for the network.
struct ImageBatch {
    at::Tensor images;               ///< [N, C, H, W], float32 in [−1, 1]; zeros in rows that could not be read.
    std::vector<std::string> names;  ///< As in the dataset: relative path, or number.
    std::vector<std::string> content_hashes;  ///< SHA-256 of the file's bytes (of the stored image's values for HDF5).
    std::vector<std::string> errors;          ///< Empty where the image was read.
};

/// Images as somebody has measured them, not resized.
struct MeasuredBatch {
    ImageBatch batch;                    ///< y; zeros in rows that could not be read
    std::vector<std::int64_t> channels;  ///< Of each image in its source, 1 or 3; 0 where it could not be read.
    std::vector<std::int64_t> bits;      ///< The same: 8 or 16 a channel.
};

/// A list of images in a fixed order (names sorted bytewise), all brought to one shape.
class Dataset {
  public:
    virtual ~Dataset() = default;
    virtual std::int64_t size() const = 0;
    virtual const std::string& name(std::int64_t index) const = 0;
    /// Reads, resizes and crops these images. A bad image is an entry in `errors`, never an exception.
    virtual ImageBatch images(std::span<const std::int64_t> indices) const = 0;
    /// Reads these images as they are; grey is repeated where y has three channels, colour becomes the mean of
    /// its channels where it has one. Of another size than y is an entry in `errors`.
    virtual MeasuredBatch measured(std::span<const std::int64_t> indices, const operators::Shape& y) const = 0;
    /// What the image's header says.
    /// @throws FileError  where it cannot be read
    virtual ImageHeader header(std::int64_t index) const = 0;
    /// Opens headers (all up to 1 000 images, else a sample of 1 000) and reports the first that cannot be used.
    /// @throws FileError
    virtual void check(std::span<const std::int64_t> indices) const = 0;
    /// SHA-256 over names and sizes of all images, and over their classes where the dataset states them.
    virtual std::string digest() const = 0;
    /// The classes of these images: of a folder, the number of the subfolder of the first level in which an image lies,
    /// in order of their names (torchvision's ImageFolder); of an HDF5 dataset, its column `labels` in the same group.
    /// @throws FileError  where the dataset states none
    virtual std::vector<std::int64_t> labels(std::span<const std::int64_t> indices) const = 0;
};

/// What `dataset = ` names: a folder of PNG and JPEG (searched recursively), or FILE.h5:NAME.
/// @throws FileError  where it does not exist or holds no image
std::unique_ptr<Dataset> open_dataset(const std::string& location, const operators::Shape& shape);

/// The same for `measurements = `: a dataset whose images are read by `measured` alone, any of 1 or 3 channels.
std::unique_ptr<Dataset> open_measurements(const std::string& location);

}  // namespace pipeline
