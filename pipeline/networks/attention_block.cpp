#include "pipeline/networks/attention_block.h"

#include <cmath>
#include <cstdint>

#include <ATen/TensorOperators.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include "pipeline/networks/kernels/group_norm_silu.h"

namespace pipeline {
namespace {

/// x [N, T, C] times a weight stored as a convolution over positions, [D, C, 1] → [N, T, D]. A transposed x is not
/// copied.
at::Tensor linear_over_positions(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    const at::Tensor transposed = weight.squeeze(2).t().unsqueeze(0).expand({x.size(0), -1, -1});
    return at::baddbmm(bias, x, transposed);
}

}  // namespace

AttentionBlock::AttentionBlock(const LayerPlan& plan, const UNetSettings& settings, const TensorMap& parameters)
    : heads_(plan.heads),
      is_new_order_(settings.is_new_attention_order),
      groups_(settings.norm_groups),
      epsilon_(settings.norm_epsilon),
      norm_weight_(parameters.at(plan.name + "norm.weight")),
      norm_bias_(parameters.at(plan.name + "norm.bias")),
      qkv_weight_(parameters.at(plan.name + "qkv.weight")),
      qkv_bias_(parameters.at(plan.name + "qkv.bias")),
      projection_weight_(parameters.at(plan.name + "proj_out.weight")),
      projection_bias_(parameters.at(plan.name + "proj_out.bias")) {}

at::Tensor AttentionBlock::forward(const at::Tensor& x) const {
    const std::int64_t images = x.size(0);
    const std::int64_t channels = x.size(1);
    const std::int64_t width = channels / heads_;

    const at::Tensor normalised = group_norm(x, norm_weight_, norm_bias_, groups_, epsilon_);
    const at::Tensor positions = normalised.view({images, channels, -1}).transpose(1, 2);
    const at::Tensor qkv = linear_over_positions(positions, qkv_weight_, qkv_bias_);

    // [N, T, heads, 3, c] or [N, T, 3, heads, c] → three of [N, heads, T, c]
    const std::int64_t third = is_new_order_ ? 2 : 3;
    const at::Tensor split =
        is_new_order_ ? qkv.view({images, -1, 3, heads_, width}) : qkv.view({images, -1, heads_, 3, width});
    const auto part = [&](std::int64_t i) { return split.select(third, i).transpose(1, 2); };
    // The reference scales q and k by c^(−1/4) each; in float32 this is the same softmax.
    const at::Tensor attended = at::scaled_dot_product_attention(part(0), part(1), part(2), {}, 0.0, false,
                                                                 1.0 / std::sqrt(static_cast<double>(width)));

    const at::Tensor joined = attended.transpose(1, 2).reshape({images, -1, channels});
    const at::Tensor projected = linear_over_positions(joined, projection_weight_, projection_bias_);
    return x + projected.transpose(1, 2).reshape(x.sizes());
}

}  // namespace pipeline
