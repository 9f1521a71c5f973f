#pragma once

#include <ATen/core/Tensor.h>

namespace operators {

/// m ⊙ x, the mask shared by the channels: x [N, C, H, W], mask [1 or N, 1, H, W] → [N, C, H, W], all float32.
///
/// The operation diffinv::masked. It is its own adjoint, and can be differentiated with respect to x.
/// @throws std::invalid_argument  where a shape, a type or a device is not that
at::Tensor masked(const at::Tensor& x, const at::Tensor& mask);

}  // namespace operators
