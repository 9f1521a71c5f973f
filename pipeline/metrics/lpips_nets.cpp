#include "pipeline/metrics/lpips_nets.h"

namespace pipeline {

namespace {

using enum TrunkLayerKind;

constexpr TrunkLayer alex_layers[] = {
    {.kind = convolution, .index = 0, .channels = 64, .kernel = 11, .stride = 4, .padding = 2, .is_tap = true},
    {.kind = max_pool, .kernel = 3, .stride = 2},
    {.kind = convolution, .index = 3, .channels = 192, .kernel = 5, .padding = 2, .is_tap = true},
    {.kind = max_pool, .kernel = 3, .stride = 2},
    {.kind = convolution, .index = 6, .channels = 384, .padding = 1, .is_tap = true},
    {.kind = convolution, .index = 8, .channels = 256, .padding = 1, .is_tap = true},
    {.kind = convolution, .index = 10, .channels = 256, .padding = 1, .is_tap = true},
};

constexpr TrunkLayer squeeze_layers[] = {
    {.kind = convolution, .index = 0, .channels = 64, .stride = 2, .is_tap = true},
    {.kind = max_pool_ceil, .kernel = 3, .stride = 2},
    {.kind = fire, .index = 3, .channels = 128, .squeeze = 16},
    {.kind = fire, .index = 4, .channels = 128, .squeeze = 16, .is_tap = true},
    {.kind = max_pool_ceil, .kernel = 3, .stride = 2},
    {.kind = fire, .index = 6, .channels = 256, .squeeze = 32},
    {.kind = fire, .index = 7, .channels = 256, .squeeze = 32, .is_tap = true},
    {.kind = max_pool_ceil, .kernel = 3, .stride = 2},
    {.kind = fire, .index = 9, .channels = 384, .squeeze = 48, .is_tap = true},
    {.kind = fire, .index = 10, .channels = 384, .squeeze = 48, .is_tap = true},
    {.kind = fire, .index = 11, .channels = 512, .squeeze = 64, .is_tap = true},
    {.kind = fire, .index = 12, .channels = 512, .squeeze = 64, .is_tap = true},
};

constexpr TrunkLayer vgg_layers[] = {
    {.kind = convolution, .index = 0, .channels = 64, .padding = 1},
    {.kind = convolution, .index = 2, .channels = 64, .padding = 1, .is_tap = true},
    {.kind = max_pool, .kernel = 2, .stride = 2},
    {.kind = convolution, .index = 5, .channels = 128, .padding = 1},
    {.kind = convolution, .index = 7, .channels = 128, .padding = 1, .is_tap = true},
    {.kind = max_pool, .kernel = 2, .stride = 2},
    {.kind = convolution, .index = 10, .channels = 256, .padding = 1},
    {.kind = convolution, .index = 12, .channels = 256, .padding = 1},
    {.kind = convolution, .index = 14, .channels = 256, .padding = 1, .is_tap = true},
    {.kind = max_pool, .kernel = 2, .stride = 2},
    {.kind = convolution, .index = 17, .channels = 512, .padding = 1},
    {.kind = convolution, .index = 19, .channels = 512, .padding = 1},
    {.kind = convolution, .index = 21, .channels = 512, .padding = 1, .is_tap = true},
    {.kind = max_pool, .kernel = 2, .stride = 2},
    {.kind = convolution, .index = 24, .channels = 512, .padding = 1},
    {.kind = convolution, .index = 26, .channels = 512, .padding = 1},
    {.kind = convolution, .index = 28, .channels = 512, .padding = 1, .is_tap = true},
};

constexpr LpipsNet nets[] = {{"alex", alex_layers}, {"squeeze", squeeze_layers}, {"vgg", vgg_layers}};

/// Side of a layer's output, 0 or less where it makes none.
int output_side(const TrunkLayer& layer, int side) {
    if (layer.kind == fire) return side;
    const int room = side + 2 * layer.padding - layer.kernel;
    if (layer.kind != max_pool_ceil) return room < 0 ? 0 : room / layer.stride + 1;
    // The last window has to start inside the image
    const int outputs = room + layer.stride - 1 < 0 ? 0 : (room + layer.stride - 1) / layer.stride + 1;
    return (outputs - 1) * layer.stride >= side ? outputs - 1 : outputs;
}

}  // namespace

std::span<const LpipsNet> lpips_nets() {
    return nets;
}

std::map<std::string, std::vector<std::int64_t>> lpips_parameter_shapes(const LpipsNet& net) {
    std::map<std::string, std::vector<std::int64_t>> shapes;
    const auto add = [&shapes](const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
        shapes[name + ".weight"] = {out, in, kernel, kernel};
        shapes[name + ".bias"] = {out};
    };
    int channels = 3;
    int taps = 0;
    for (const TrunkLayer& layer : net.layers) {
        const std::string name = "features." + std::to_string(layer.index);
        if (layer.kind == convolution) add(name, layer.channels, channels, layer.kernel);
        if (layer.kind == fire) {
            add(name + ".squeeze", layer.squeeze, channels, 1);
            add(name + ".expand1x1", layer.channels / 2, layer.squeeze, 1);
            add(name + ".expand3x3", layer.channels / 2, layer.squeeze, 3);
        }
        if (layer.channels > 0) channels = layer.channels;
        if (layer.is_tap) shapes["lin" + std::to_string(taps++) + ".model.1.weight"] = {1, channels, 1, 1};
    }
    return shapes;
}

int smallest_side(const LpipsNet& net) {
    for (int smallest = 1;; ++smallest) {
        int side = smallest;
        for (const TrunkLayer& layer : net.layers) side = side > 0 ? output_side(layer, side) : 0;
        if (side > 0) return smallest;
    }
}

}  // namespace pipeline
