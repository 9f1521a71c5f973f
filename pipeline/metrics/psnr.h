#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// Peak signal-to-noise ratio 10 log₁₀(1/mse) in dB, per image; the mean is over C · H · W in double.
///
/// @param restored, reference  [N, C, H, W] on [−1, 1]; both are clamped and mapped to [0, 1], never stretched
/// @return N values; +∞ for identical images, NaN where `restored` is not finite
/// @throws std::invalid_argument  where the shapes differ
std::vector<double> psnr(const at::Tensor& restored, const at::Tensor& reference);

/// The same over the entries that A removed alone: what a method had to invent.
///
/// @param observed  1 or true where observed, broadcasts over [N, C, H, W]; undefined: everything is
/// @return N values; NaN where nothing was removed
std::vector<double> psnr_unobserved(const at::Tensor& restored, const at::Tensor& reference,
                                    const at::Tensor& observed);

}  // namespace pipeline
