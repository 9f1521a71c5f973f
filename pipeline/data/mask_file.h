#pragma once

#include <span>
#include <string>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"

namespace pipeline {

/// The mask or masks of these images, [1 or N, 1, H, W], float32 in {0, 1}: see `read_parameters`.
/// @throws FileError
at::Tensor read_mask(const std::string& file, const operators::Shape& image, std::span<const std::string> image_names);

}  // namespace pipeline
