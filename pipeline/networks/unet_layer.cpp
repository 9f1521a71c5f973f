#include "pipeline/networks/unet_layer.h"

#include <stdexcept>

#include "pipeline/networks/kernels/resampling.h"

namespace pipeline {
namespace {

Layer make_layer(const LayerPlan& plan, const UNetSettings& settings, const TensorMap& parameters) {
    switch (plan.kind) {
        case LayerKind::convolution:
            return Convolution(parameters, plan.name.substr(0, plan.name.size() - 1));
        case LayerKind::convolution_down:
            return Convolution(parameters, plan.name + "op", 2, settings.pads_right_and_bottom);
        case LayerKind::convolution_up:
            return UpsamplingConvolution{Convolution(parameters, plan.name + "conv")};
        case LayerKind::attention:
            return AttentionBlock(plan, settings, parameters);
        case LayerKind::residual:
        case LayerKind::residual_down:
        case LayerKind::residual_up:
            return ResidualBlock(plan, settings, parameters);
    }
    throw std::logic_error("U-Net: a layer of no kind");
}

/// What a layer does, by its kind.
struct LayerForward {
    const at::Tensor& x;
    const at::Tensor& embedding;

    at::Tensor operator()(const Convolution& layer) const { return layer.forward(x); }
    at::Tensor operator()(const UpsamplingConvolution& layer) const { return layer.convolution.forward(doubled(x)); }
    at::Tensor operator()(const ResidualBlock& layer) const { return layer.forward(x, embedding); }
    at::Tensor operator()(const AttentionBlock& layer) const { return layer.forward(x); }
};

}  // namespace

Block make_block(const std::vector<LayerPlan>& plan, const UNetSettings& settings, const TensorMap& parameters) {
    Block block;
    block.reserve(plan.size());
    for (const LayerPlan& layer : plan) block.push_back(make_layer(layer, settings, parameters));
    return block;
}

at::Tensor forward_block(const Block& block, at::Tensor x, const at::Tensor& embedding) {
    for (const Layer& layer : block) x = std::visit(LayerForward{x, embedding}, layer);
    return x;
}

}  // namespace pipeline
