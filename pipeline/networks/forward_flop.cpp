#include "pipeline/networks/model.h"
#include "pipeline/networks/unet_plan.h"

namespace pipeline {
namespace {

/// Multiply-adds of one layer for an image of so many pixels.
double layer_multiplications(const LayerPlan& layer, const UNetSettings& settings, double image_pixels) {
    const double pixels = image_pixels / (static_cast<double>(layer.factor) * layer.factor);
    const double in = layer.in_channels;
    const double out = layer.out_channels;
    switch (layer.kind) {
        case LayerKind::convolution:
        case LayerKind::convolution_down:
        case LayerKind::convolution_up:
            return 9 * in * out * pixels;
        case LayerKind::attention:
            // q, k, v and the projection; every position with every other, twice
            return 4 * in * in * pixels + 2 * in * pixels * pixels;
        case LayerKind::residual:
        case LayerKind::residual_down:
        case LayerKind::residual_up:
            break;
    }
    const double embedding = 4.0 * settings.model_channels * out * (settings.has_scale_shift_norm ? 2 : 1);
    return 9 * (in + out) * out * pixels + (in == out ? 0 : in * out * pixels) + embedding;
}

}  // namespace

double forward_flop(const UNetSettings& network, int height, int width) {
    const UNetPlan plan = plan_unet(network);
    const double pixels = static_cast<double>(height) * width;
    const double embedding = plan.embedding_width;

    double multiplications = embedding * (network.model_channels + embedding);
    for (const auto* blocks : {&plan.input_blocks, &plan.output_blocks}) {
        for (const auto& block : *blocks) {
            for (const LayerPlan& layer : block) multiplications += layer_multiplications(layer, network, pixels);
        }
    }
    for (const LayerPlan& layer : plan.middle) multiplications += layer_multiplications(layer, network, pixels);
    multiplications += 9.0 * plan.final_channels * network.out_channels * pixels;
    return 2 * multiplications;
}

}  // namespace pipeline
