#pragma once

#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// What every metric does with the images that it is given, so that all of them see the same pixels.

/// @throws std::invalid_argument  naming the metric and both shapes, unless both are [N, C, H, W] of one shape
void check_image_pair(std::string_view metric, const at::Tensor& restored, const at::Tensor& reference);

/// x on [−1, 1], clamped and mapped to [0, 1], in double.
at::Tensor unit_range(const at::Tensor& x);

/// Values [N] as numbers, NaN for rows where one of the images is not finite (a clamp would make an infinity a pixel).
std::vector<double> per_image(const at::Tensor& values, const at::Tensor& restored, const at::Tensor& reference);

}  // namespace pipeline
