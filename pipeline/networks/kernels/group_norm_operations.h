#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// What `group_norm_operation` gives: y as x, and mean and 1/√(σ² + ε) of each group of each image, [N, groups].
struct GroupNormResult {
    at::Tensor y, mean, rstd;
};

/// diffinv::group_norm_silu, without a graph: see group_norm_silu.h for the formula, of which SiLU can be left out.
GroupNormResult group_norm_operation(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                     std::int64_t groups, double epsilon, bool has_silu);

/// diffinv::group_norm_silu_vjp: the gradient with respect to x from the one with respect to y, weight and bias frozen.
at::Tensor group_norm_vjp_operation(const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& mean,
                                    const at::Tensor& rstd, const at::Tensor& weight, const at::Tensor& bias,
                                    std::int64_t groups, bool has_silu);

}  // namespace pipeline
