#pragma once

#include <ATen/core/Tensor.h>

namespace operators {

/// A x for the separable A x = V x Wᵀ, or its exact adjoint Vᵀ x W: V correlates every column of x with the taps
/// `column`, W every row with the taps `row`, both mirrored at the border without repeating the border pixel.
///
/// x [N, C, H, W] → [N, C, H, W]. The operation diffinv::mirrored_blur; each output is a sum in fixed order, so that it
/// is deterministic on a GPU too. It can be differentiated with respect to x.
/// @param x            float32, on the CPU also float64; the taps as x
/// @param column, row  odd numbers K of taps with ⌊K/2⌋ below H and W
/// @throws std::invalid_argument  where an argument is not that
at::Tensor mirrored_blur(const at::Tensor& x, const at::Tensor& column, const at::Tensor& row, bool is_adjoint);

}  // namespace operators
