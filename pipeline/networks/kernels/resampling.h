#pragma once

#include <ATen/core/Tensor.h>

namespace pipeline {

/// The mean of each 2×2 pixels: x [N, C, H, W] with even H and W → [N, C, H/2, W/2]. For its gradient nothing of x is
/// kept. It can be differentiated once.
/// @throws std::invalid_argument  where the shape is not that
at::Tensor halved(const at::Tensor& x);

/// Each pixel four times, nearest neighbour: x [N, C, H, W] → [N, C, 2H, 2W]. It can be differentiated once.
at::Tensor doubled(const at::Tensor& x);

}  // namespace pipeline
