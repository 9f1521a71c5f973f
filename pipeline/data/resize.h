#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// Brings an image to height × width: scaled with its proportions kept until it covers the target, then cropped about
/// its centre.
///
/// With s = max(height/h, width/w) the scaled image has round(s·h) × round(s·w) pixels, so that the side that is
/// relatively shorter fits exactly; of the other the middle is kept (where an odd number of pixels goes, one more at
/// the far end). The filter is the cubic of Keys (1981) with a = −1/2, separable, its support widened by the ratio
/// where the image shrinks (no aliasing) and cut and renormalised at the border, as Pillow's antialiased bicubic. Sums
/// are in double. An axis whose size does not change is not filtered: an image of the target's size comes back
/// untouched.
///
/// @param image  [C, h, w], float32 in [−1, 1]
/// @return [C, height, width], float32, clamped to [−1, 1] since a cubic overshoots at edges
/// @throws std::invalid_argument  where a size is not positive
at::Tensor resize_to_cover(const at::Tensor& image, std::int64_t height, std::int64_t width);

}  // namespace pipeline
