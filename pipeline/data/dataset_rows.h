#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"
#include "pipeline/data/dataset.h"

namespace pipeline {

// What every kind of dataset does alike.

/// How many images `check` looks at.
inline constexpr std::size_t checked_images_limit = 1000;

/// All of the indices up to the limit, else that many spread evenly, the first and the last among them.
std::vector<std::int64_t> indices_to_check(std::span<const std::int64_t> indices);

/// A batch of zeros with room for everything.
ImageBatch make_image_batch(std::size_t count, const operators::Shape& shape);

/// @throws FileError  where images with so many channels are not for a network with `wanted`; 0 takes all
void check_image_channels(std::int64_t channels, std::int64_t wanted, const std::filesystem::path& path);

/// An image as the network wants it: resized and cropped; grey repeated where colour is wanted.
/// @param image  [1 or 3, h, w], float32 in [−1, 1]
/// @throws FileError  where its channels do not fit
at::Tensor fit_image(const at::Tensor& image, const operators::Shape& shape, const std::filesystem::path& path);

/// An image as it is for a measurement of this shape, see Dataset::measured.
/// @throws FileError  where it has another size
at::Tensor measured_image(const at::Tensor& image, const operators::Shape& y, const std::filesystem::path& path);

MeasuredBatch make_measured_batch(std::size_t count, const operators::Shape& y);

}  // namespace pipeline
