#pragma once

#include <span>
#include <string>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// A kernel may not be larger than this a side: far above any image that fits a network.
inline constexpr std::int64_t kernel_side_limit = 4096;

/// The kernel of a file, [kh, kw], float32: see `read_parameters`.
/// @throws FileError
at::Tensor read_kernel(const std::string& file);

/// The kernels of these images: [kh, kw] where the file holds one for all; [N, 1, kh, kw], each its own, from a folder
/// or a stack, see `read_parameters`.
/// @throws FileError
at::Tensor read_kernels(const std::string& file, std::span<const std::string> image_names);

}  // namespace pipeline
