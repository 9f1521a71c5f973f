#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// SiLU(w ⊙ (x − μ)/√(σ² + ε) + b), mean and variance over each group of channels of each image: x [N, C, H, W] →
/// [N, C, H, W].
///
/// Weight and bias are frozen, [C] for all images or [N, C] for each image its own (a timestep embedding's scale and
/// shift folded in); with a bfloat16 x they are float32. For the gradient with respect to x only x, mean and 1/std are
/// kept; the normalised values are made again. It can be differentiated once. The operations
/// diffinv::group_norm_silu and diffinv::group_norm_silu_vjp; on a GPU in channels-last memory.
/// @throws c10::Error  on a GPU, where x is neither float32 nor bfloat16 or its channels do not fit
at::Tensor group_norm_silu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                           double epsilon);

/// The same without SiLU: w ⊙ (x − μ)/√(σ² + ε) + b.
at::Tensor group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups,
                      double epsilon);

}  // namespace pipeline
