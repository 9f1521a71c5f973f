#pragma once

#include <ATen/core/Tensor.h>

#include "pipeline/networks/unet_plan.h"

namespace pipeline {

/// x + proj(softmax(q kᵀ/√c) v) over the H·W positions, with q, k, v linear in GN(x) and c channels per head.
///
/// In the order of the published checkpoints the channels of `qkv` are head by head, q, k, v of each; in the "new"
/// order all q come first, then all k, then all v.
class AttentionBlock {
  public:
    AttentionBlock(const LayerPlan& plan, const UNetSettings& settings, const TensorMap& parameters);

    at::Tensor forward(const at::Tensor& x) const;

  private:
    int heads_;
    bool is_new_order_;
    int groups_;
    double epsilon_;
    at::Tensor norm_weight_, norm_bias_;
    at::Tensor qkv_weight_, qkv_bias_;
    at::Tensor projection_weight_, projection_bias_;
};

}  // namespace pipeline
