#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// SiLU(w ⊙ (x − μ)/√(σ² + ε) + b), mean and variance over each group of channels of each image: x [N, C, H, W] →
/// [N, C, H, W].
///
/// Weight and bias are frozen, [C] for all images or [N, C] for each image its own (a timestep embedding's scale and
/// shift folded in). For the gradient with respect to x only x, mean and 1/std are kept; the normalised values are made
/// again. It can be differentiated once.
at::Tensor group_norm_silu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                           double epsilon);

}  // namespace pipeline
