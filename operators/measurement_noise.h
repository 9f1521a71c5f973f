#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"

namespace operators {

/// y = A(x) + σ_y z with z ~ N(0, I) keyed by image alone, so that every method of a sweep sees the same y.
///
/// @param x          [N, C, H, W] in [−1, 1]
/// @param sigma_y    ≥ 0, on the [−1, 1] scale; 0 adds nothing
/// @param images     the images' numbers in their dataset, N of them
/// @param noise_on_unobserved  true as in the DPS reference: entries that A removes carry noise too; false leaves them
/// 0
/// @throws std::invalid_argument  if sigma_y is negative or not finite, or shapes do not fit
Measurement measure(std::shared_ptr<const MeasurementOperator> A, const at::Tensor& x, double sigma_y,
                    const NoiseStream& noise, std::span<const std::uint64_t> images, bool noise_on_unobserved);

/// How many entries of one image's y carry noise: m in the residual ‖y − A x̂‖/(σ_y √m). [N], int64.
at::Tensor noisy_entries(const MeasurementOperator& A, std::int64_t batch, bool noise_on_unobserved);

}  // namespace operators
