#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pipeline/networks/unet.h"

namespace pipeline {

enum class LayerKind { convolution, residual, residual_down, residual_up, attention, convolution_down, convolution_up };

/// One layer of a U-Net, with the name its parameters start with ("input_blocks.3.0.").
struct LayerPlan {
    LayerKind kind;
    std::string name;
    int in_channels;
    int out_channels;
    int factor;     ///< The image's side by that of the layer's output.
    int heads = 0;  ///< Of an attention layer.
};

/// The topology that all U-Nets of the field share, as lists of layers: what assembly, parameter names and the cost of
/// a pass are read from.
///
/// The output of every input block is kept, and concatenated with the input of one output block: last in, first out.
struct UNetPlan {
    std::vector<std::vector<LayerPlan>> input_blocks;
    std::vector<LayerPlan> middle;
    std::vector<std::vector<LayerPlan>> output_blocks;
    int embedding_width = 0;  ///< Of the timestep embedding after its two linear layers, 4 · model_channels.
    int final_channels = 0;   ///< What the last norm and convolution are given.
};

/// @throws CheckpointError  where the settings fit no network: channels that groups or heads do not divide, a number
/// out
///                          of range
UNetPlan plan_unet(const UNetSettings& settings);

}  // namespace pipeline
