#include "pipeline/networks/residual_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/linear.h>

#include "pipeline/networks/kernels/group_norm_silu.h"
#include "pipeline/networks/kernels/resampling.h"

namespace pipeline {

Convolution::Convolution(const TensorMap& parameters, const std::string& name, int stride, bool pads_right_and_bottom)
    : pads_right_and_bottom_(pads_right_and_bottom),
      convolution_(parameters.at(name + ".weight"), parameters.at(name + ".bias"), stride,
                   pads_right_and_bottom ? 0 : static_cast<int>(parameters.at(name + ".weight").size(2) / 2)) {}

at::Tensor Convolution::forward(const at::Tensor& x, const std::optional<at::Tensor>& addend) const {
    return convolution_.forward(pads_right_and_bottom_ ? at::constant_pad_nd(x, {0, 1, 0, 1}) : x, addend);
}

ResidualBlock::ResidualBlock(const LayerPlan& plan, const UNetSettings& settings, const TensorMap& parameters)
    : kind_(plan.kind),
      has_scale_shift_(settings.has_scale_shift_norm),
      groups_(settings.norm_groups),
      epsilon_(settings.norm_epsilon),
      norm1_weight_(parameters.at(plan.name + "in_layers.0.weight")),
      norm1_bias_(parameters.at(plan.name + "in_layers.0.bias")),
      convolution1_(parameters, plan.name + "in_layers.2"),
      embedding_weight_(parameters.at(plan.name + "emb_layers.1.weight")),
      embedding_bias_(parameters.at(plan.name + "emb_layers.1.bias")),
      norm2_weight_(parameters.at(plan.name + "out_layers.0.weight")),
      norm2_bias_(parameters.at(plan.name + "out_layers.0.bias")),
      convolution2_(parameters, plan.name + "out_layers.3") {
    if (plan.in_channels != plan.out_channels) skip_.emplace_back(parameters, plan.name + "skip_connection");
}

at::Tensor ResidualBlock::resampled(const at::Tensor& x) const {
    if (kind_ == LayerKind::residual_down) return halved(x);
    if (kind_ == LayerKind::residual_up) return doubled(x);
    return x;
}

at::Tensor ResidualBlock::forward(const at::Tensor& x, const at::Tensor& embedding) const {
    at::Tensor h = group_norm_silu(x, norm1_weight_, norm1_bias_, groups_, epsilon_);
    h = convolution1_.forward(resampled(h));

    const at::Tensor e = at::linear(embedding, embedding_weight_, embedding_bias_);
    if (has_scale_shift_) {
        // GN(h) (1 + scale) + shift = w (1 + scale) ⊙ ĥ + (b (1 + scale) + shift)
        const at::Tensor scale = e.narrow(1, 0, e.size(1) / 2) + 1;
        const at::Tensor shift = e.narrow(1, e.size(1) / 2, e.size(1) / 2);
        h = group_norm_silu(h, norm2_weight_ * scale, norm2_bias_ * scale + shift, groups_, epsilon_);
    } else {
        h.add_(e.unsqueeze(2).unsqueeze(3));
        h = group_norm_silu(h, norm2_weight_, norm2_bias_, groups_, epsilon_);
    }
    const at::Tensor resampled_x = resampled(x);
    return convolution2_.forward(h, skip_.empty() ? resampled_x : skip_.front().forward(resampled_x));
}

}  // namespace pipeline
