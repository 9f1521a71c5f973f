#pragma once

#include <ATen/core/Tensor.h>

namespace pipeline {

/// A 2-D convolution with zero padding whose weights are frozen: x [N, C, H, W] → [N, D, H', W'].
///
/// The gradient with respect to x needs the weights and the sizes of x alone, so that nothing of x is kept for it,
/// unlike with `at::conv2d`. It can be differentiated once.
/// @param weight  [D, C, k, k]
/// @param bias    [D]
at::Tensor frozen_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, int stride,
                              int padding);

}  // namespace pipeline
