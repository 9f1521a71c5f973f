#pragma once

#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/networks/attention_block.h"
#include "pipeline/networks/residual_block.h"
#include "pipeline/networks/unet_plan.h"

namespace pipeline {

/// Nearest neighbour to twice the size, then a convolution.
struct UpsamplingConvolution {
    Convolution convolution;
};

using Layer = std::variant<Convolution, UpsamplingConvolution, ResidualBlock, AttentionBlock>;
using Block = std::vector<Layer>;

Block make_block(const std::vector<LayerPlan>& plan, const UNetSettings& settings, const TensorMap& parameters);

/// One layer after the other. @param embedding  SiLU of the timestep's embedding, [N, embedding_width]
at::Tensor forward_block(const Block& block, at::Tensor x, const at::Tensor& embedding);

}  // namespace pipeline
