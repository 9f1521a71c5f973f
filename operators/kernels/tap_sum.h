#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace operators {

/// out[p, i, j] = Σ_{a, b} k[a, b] x[p, i + a, j + b] over the taps that are not 0, on the CPU: what a blur by a sparse
/// kernel costs follows its taps instead of its area.
///
/// Sums run over the taps in the order of rows and columns.
/// @param x        [P, H + K_h − 1, W + K_w − 1], float32 or float64, dense, no part of an autograd graph
/// @param kernels  [Q, 1, K_h, K_w] of x's type, dense: each of P/Q neighbouring planes
/// @param rows_of_margin     so many rows above and below are known to be 0, and so many columns left and right
/// @return         [P, H, W]
at::Tensor sum_of_taps(const at::Tensor& x, const at::Tensor& kernels, std::int64_t rows_of_margin = 0,
                       std::int64_t columns_of_margin = 0);

}  // namespace operators
