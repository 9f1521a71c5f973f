#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace operators {

/// Levels of 8 bits are 2/255 apart: no estimate is smaller than half of that.
inline constexpr double smallest_estimated_sigma = 1.0 / 255;
/// Fewer blocks of observed pixels than this estimate nothing.
inline constexpr std::int64_t fewest_estimating_blocks = 64;

/// σ of white noise in each image of y by the median absolute deviation of its finest diagonal detail:
/// d = (y[i, j] − y[i, j+1] − y[i+1, j] + y[i+1, j+1])/2 over all blocks of 2 × 2 observed pixels of all channels,
/// σ = median |d| / 0.6745, the median interpolated among equal values, at least `smallest_estimated_sigma`. A plane
/// has d = 0 and edges are few, so that what is in the picture adds little; fine texture is taken for noise.
///
/// Donoho & Johnstone 1994, Ideal spatial adaptation by wavelet shrinkage, section 4.2.
/// @param y         [N, C, H, W]
/// @param observed  1 where a pixel is observed, broadcasts over y; undefined: everywhere
/// @return N numbers on the scale of y; NaN where too few blocks are observed
std::vector<double> estimated_sigma(const at::Tensor& y, const at::Tensor& observed);

}  // namespace operators
