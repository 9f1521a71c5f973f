#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"

namespace operators {

/// The count n of a Poisson distribution of this mean with P(N < n) ≤ u < P(N ≤ n), by summing its probabilities: exact
/// up to the rounding of double. A mean above 500 is split into parts, each with a number of its own.
/// @param mean      ≥ 0, finite
/// @param uniforms  one number in [0, 1) for every 500 of the mean, at least one
std::int64_t poisson_count(double mean, std::span<const double> uniforms);

/// How many numbers `poisson_count` takes for means up to this one.
std::size_t poisson_uniforms(double largest_mean);

/// y with photon noise (Chung et al. 2023, DPS): on [0, 1], v = clamp((A(x) + 1)/2, 0, 1), counts n ~ Poisson(255 ·
/// rate · v), y = clamp(2 n/(255 · rate) − 1, −1, 1). Keyed by image alone; two 32-bit numbers make one of 53 bits.
///
/// @param rate  > 0: photons for one of 255 levels; the lower, the noisier
/// @param noise_on_unobserved  false: entries that A removes stay A(x)
/// @throws std::invalid_argument  if rate is not positive and finite, or shapes do not fit
Measurement measure_poisson(std::shared_ptr<const MeasurementOperator> A, const at::Tensor& x, double rate,
                            const NoiseStream& noise, std::span<const std::uint64_t> images, bool noise_on_unobserved);

}  // namespace operators
