#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

/// What a layer of an LPIPS backbone does. A convolution and a fire module end with a ReLU.
enum class TrunkLayerKind {
    convolution,
    fire,           ///< SqueezeNet's: 1×1 to `squeeze` channels, then 1×1 and 3×3 side by side.
    max_pool,       ///< Windows inside the image alone.
    max_pool_ceil,  ///< The last window may reach over the border.
};

/// One layer, with its number in torchvision's `features` where it has parameters.
struct TrunkLayer {
    TrunkLayerKind kind;
    int index = 0;
    int channels = 0;  ///< Of its output; 0 for pools, which keep them.
    int kernel = 3;
    int stride = 1;
    int padding = 0;
    int squeeze = 0;  ///< Fire modules alone.
    bool is_tap = false;
};

/// A backbone of LPIPS v0.1 up to its last tap.
struct LpipsNet {
    std::string_view name;
    std::span<const TrunkLayer> layers;
};

/// alex (Krizhevsky et al. 2012), squeeze (SqueezeNet 1.1), vgg (VGG16), as torchvision builds them.
std::span<const LpipsNet> lpips_nets();

/// Names and shapes of a net's tensors: `features.*` and the heads `lin{i}.model.1.weight`.
std::map<std::string, std::vector<std::int64_t>> lpips_parameter_shapes(const LpipsNet& net);

/// Smallest side of an image from which every layer still makes something.
int smallest_side(const LpipsNet& net);

}  // namespace pipeline
