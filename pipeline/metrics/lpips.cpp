#include "pipeline/metrics/lpips.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <array>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <utility>

#include "operators/shape.h"
#include "pipeline/metrics/embedded_weights.h"
#include "pipeline/metrics/image_pair.h"
#include "pipeline/metrics/lpips_nets.h"
#include "pipeline/networks/safetensors.h"
#include "pipeline/networks/safetensors_dtype.h"
#include "pipeline/networks/unet.h"

namespace pipeline {

namespace {

/// Mean and spread of the backbones' training images on [−1, 1], which version 0.1 scales by.
constexpr std::array lpips_shift = {-0.030, -0.088, -0.188};
constexpr std::array lpips_scale = {0.458, 0.448, 0.450};

/// The net whose names the file's are closest to.
/// @throws CheckpointError  where not one name belongs to a net
const LpipsNet& recognised_net(const TensorMap& tensors, const std::string& file) {
    const LpipsNet* best = nullptr;
    std::size_t best_differences = std::numeric_limits<std::size_t>::max();
    for (const LpipsNet& net : lpips_nets()) {
        const auto wanted = lpips_parameter_shapes(net);
        std::size_t common = 0;
        for (const auto& [name, shape] : wanted) common += tensors.count(name);
        const std::size_t differences = wanted.size() + tensors.size() - 2 * common;
        if (common > 0 && differences < best_differences) {
            best = &net;
            best_differences = differences;
        }
    }
    if (best != nullptr) return *best;
    throw CheckpointError(file +
                          ": not LPIPS weights, there is neither features.0.weight nor lin0.model.1.weight; known nets "
                          "are alex, squeeze and vgg");
}

/// The safetensors format's name of a tensor's type.
std::string dtype_name(const at::Tensor& tensor) {
    for (const char* name : {"F32", "F16", "BF16", "F64"}) {
        if (find_safetensors_dtype(name)->type == tensor.scalar_type()) return name;
    }
    return c10::toString(tensor.scalar_type());
}

/// The tensors that a net needs, in float32.
/// @throws CheckpointError  where names, types or shapes are not exactly the net's, or a number is not finite
TensorMap checked_weights(const LpipsNet& net, const TensorMap& tensors, const std::string& file) {
    TensorHeaders headers;
    for (const auto& [name, tensor] : tensors)
        headers[name] = {.dtype = dtype_name(tensor), .shape = tensor.sizes().vec()};
    check_parameters(file, lpips_parameter_shapes(net), headers);
    TensorMap weights;
    for (const auto& [name, tensor] : tensors) {
        if (!at::isfinite(tensor).all().item<bool>()) {
            throw CheckpointError(file + ": " + name + " holds values that are not finite");
        }
        weights[name] = tensor.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
    }
    return weights;
}

/// f/(‖f‖ + 1e-10) over the channels of every pixel.
at::Tensor normalised_features(const at::Tensor& f) {
    return f / (f.square().sum(1, /*keepdim=*/true).sqrt_() + 1e-10);
}

}  // namespace

/// A backbone with its weights and heads.
struct Lpips::Trunk {
    const LpipsNet& net;
    TensorMap weights;

    at::Tensor convolution(const std::string& name, const at::Tensor& x, int stride, int padding) const {
        return at::conv2d(x, weights.at(name + ".weight"), weights.at(name + ".bias"), stride, padding).relu_();
    }

    at::Tensor apply(const TrunkLayer& layer, const at::Tensor& x) const {
        const std::string name = "features." + std::to_string(layer.index);
        switch (layer.kind) {
            case TrunkLayerKind::convolution:
                return convolution(name, x, layer.stride, layer.padding);
            case TrunkLayerKind::fire: {
                const at::Tensor squeezed = convolution(name + ".squeeze", x, 1, 0);
                return at::cat({convolution(name + ".expand1x1", squeezed, 1, 0),
                                convolution(name + ".expand3x3", squeezed, 1, 1)},
                               1);
            }
            case TrunkLayerKind::max_pool:
            case TrunkLayerKind::max_pool_ceil:
                return at::max_pool2d(x, layer.kernel, layer.stride, 0, 1, layer.kind == TrunkLayerKind::max_pool_ceil);
        }
        throw std::logic_error("lpips: unknown layer");
    }

    /// Σ_taps mean_{H,W} Σ_c w_c (f̂ − f̂')². Images [2N, 3, H, W], first the restored, then the references → [N],
    /// double.
    at::Tensor distance(at::Tensor x) const {
        at::Tensor sum = at::zeros({x.size(0) / 2}, x.options().dtype(at::kDouble));
        int taps = 0;
        for (const TrunkLayer& layer : net.layers) {
            x = apply(layer, x);
            if (!layer.is_tap) continue;
            const auto pair = normalised_features(x).chunk(2);
            const at::Tensor& w = weights.at("lin" + std::to_string(taps++) + ".model.1.weight");
            sum += (pair[0] - pair[1]).square_().mul_(w).sum(1).flatten(1).mean(1, false, at::kDouble);
        }
        return sum;
    }
};

Lpips::Lpips(std::string net, std::unique_ptr<Trunk> trunk) : net_(std::move(net)), trunk_(std::move(trunk)) {}
Lpips::~Lpips() = default;
Lpips::Lpips(Lpips&&) noexcept = default;

Lpips Lpips::embedded() {
    constexpr std::string_view name = "embedded lpips alex";
    return from_tensors(read_safetensors(embedded_lpips_alex(), name), std::string(name));
}

Lpips Lpips::from_file(const std::filesystem::path& path) {
    return from_tensors(read_safetensors(path), path.string());
}

Lpips Lpips::from_tensors(const TensorMap& tensors, const std::string& file) {
    const c10::NoGradGuard no_gradient;
    const LpipsNet& net = recognised_net(tensors, file);
    return {std::string(net.name), std::make_unique<Trunk>(net, checked_weights(net, tensors, file))};
}

int Lpips::minimum_size() const {
    return smallest_side(trunk_->net);
}

std::vector<double> Lpips::operator()(const at::Tensor& restored, const at::Tensor& reference) const {
    check_image_pair("lpips", restored, reference);
    const std::int64_t channels = restored.size(1);
    if (channels != 1 && channels != 3) {
        throw std::invalid_argument("lpips: images have shape " + operators::shape_of(restored) +
                                    ", expected 1 or 3 channels");
    }
    if (restored.size(2) < minimum_size() || restored.size(3) < minimum_size()) {
        throw std::invalid_argument("lpips: images have shape " + operators::shape_of(restored) + ", net " + net_ +
                                    " takes sides of at least " + std::to_string(minimum_size()));
    }
    const c10::NoGradGuard no_gradient;

    // A grey image is one with three equal channels
    const at::Tensor images = at::cat({restored, reference}).to(at::kFloat).clamp(-1.0, 1.0);
    const at::Tensor rgb = channels == 1 ? images.expand({-1, 3, -1, -1}) : images;
    const at::Tensor shift = at::tensor(at::ArrayRef<double>(lpips_shift), rgb.options()).view({1, 3, 1, 1});
    const at::Tensor scale = at::tensor(at::ArrayRef<double>(lpips_scale), rgb.options()).view({1, 3, 1, 1});
    return per_image(trunk_->distance((rgb - shift) / scale), restored, reference);
}

}  // namespace pipeline
