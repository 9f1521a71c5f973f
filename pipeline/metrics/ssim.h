#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// Structural similarity (Wang et al. 2004), per image: 11×11 Gaussian window of σ = 1.5, K₁ = 0.01, K₂ = 0.03, range 1,
/// population covariance, windows that lie inside the image, mean over pixels and channels, in double.
///
/// @param restored, reference  [N, C, H, W] on [−1, 1], sides ≥ 11; clamped and mapped to [0, 1]
/// @return N values; NaN where `restored` is not finite
/// @throws std::invalid_argument  where the shapes differ or a side is below 11
std::vector<double> ssim(const at::Tensor& restored, const at::Tensor& reference);

}  // namespace pipeline
