#include "pipeline/networks/unet.h"

#include <stdexcept>
#include <string>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/silu.h>
#include <c10/core/GradMode.h>
#include <c10/util/StringUtil.h>

#include "pipeline/networks/embedded_timesteps.h"
#include "pipeline/networks/kernels/group_norm_silu.h"
#include "pipeline/networks/kernels/kernel_choice.h"
#include "pipeline/networks/residual_block.h"
#include "pipeline/networks/unet_layer.h"
#include "pipeline/networks/unet_plan.h"

namespace pipeline {
namespace {

/// True for the layers that a bfloat16 network computes in bfloat16: convolutions, attention's among them, but the
/// last.
bool is_reduced(const std::string& name, const std::map<std::string, std::vector<std::int64_t>>& shapes) {
    const auto weight = shapes.find(name.substr(0, name.rfind('.')) + ".weight");
    return weight != shapes.end() && weight->second.size() > 2 && !name.starts_with("out.");
}

/// GPUs convolve images whose channels are innermost.
at::MemoryFormat weight_format(const at::Tensor& weight, at::Device device) {
    const bool is_channels_last = device.is_cuda() && kernel_choice().channels_last && weight.dim() == 4;
    return is_channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

/// Copies of the weights in the network's precision, after a strict check. Each weight goes as soon as it is copied, so
/// that a large checkpoint is never in memory twice.
TensorMap converted_parameters(const UNetSettings& settings, TensorMap weights, at::ScalarType precision,
                               at::Device device) {
    TensorHeaders headers;
    for (const auto& [name, tensor] : weights) {
        headers[name] = {tensor.is_floating_point() ? "F32" : c10::toString(tensor.scalar_type()),
                         tensor.sizes().vec()};
    }
    const auto shapes = parameter_shapes(settings);
    check_parameters("U-Net", shapes, headers);

    const c10::NoGradGuard no_gradient;
    TensorMap parameters;
    for (auto weight = weights.begin(); weight != weights.end(); weight = weights.erase(weight)) {
        // Always a copy: what was given may be a mapping of a file.
        const bool stays = precision == at::kBFloat16 && !is_reduced(weight->first, shapes);
        const auto options = at::TensorOptions().dtype(stays ? at::kFloat : precision).device(device);
        const at::Tensor& given = weight->second;
        parameters[weight->first] = given.detach().to(options, false, true, weight_format(given, device));
    }
    return parameters;
}

}  // namespace

struct UNet::Parts {
    UNetSettings settings;
    at::ScalarType precision;  ///< Of activations.
    at::Device device;
    TensorMap parameters;
    std::vector<EmbeddedTimesteps> timesteps;  ///< One.
    std::vector<Block> input_blocks;
    Block middle;
    std::vector<Block> output_blocks;
    std::vector<Convolution> last;  ///< One.

    /// Of x, embeddings and the last layer.
    at::ScalarType outer_precision() const { return precision == at::kBFloat16 ? at::kFloat : precision; }
    at::Tensor embedding(const at::Tensor& t, const at::Tensor& labels) const;
    void check(const at::Tensor& x, const at::Tensor& t, const at::Tensor& labels) const;
};

UNet::UNet(UNetSettings settings, TensorMap weights, at::ScalarType precision, at::Device device) {
    if (precision != at::kFloat && precision != at::kDouble && precision != at::kBFloat16) {
        throw std::invalid_argument(std::string("U-Net: computes in float32, float64 or bfloat16, not in ") +
                                    c10::toString(precision));
    }
    TensorMap parameters = converted_parameters(settings, std::move(weights), precision, device);
    device = parameters.begin()->second.device();  // "cuda" has become "cuda:0"
    const UNetPlan plan = plan_unet(settings);
    parts_ = std::make_unique<Parts>(Parts{settings, precision, device, std::move(parameters), {}, {}, {}, {}, {}});
    parts_->timesteps.emplace_back(settings, parts_->parameters, parts_->outer_precision());
    parts_->last.emplace_back(parts_->parameters, "out.2");
    for (const auto& block : plan.input_blocks) {
        parts_->input_blocks.push_back(make_block(block, settings, parts_->parameters));
    }
    parts_->middle = make_block(plan.middle, settings, parts_->parameters);
    for (const auto& block : plan.output_blocks) {
        parts_->output_blocks.push_back(make_block(block, settings, parts_->parameters));
    }
}

UNet::~UNet() = default;
UNet::UNet(UNet&&) noexcept = default;

const UNetSettings& UNet::settings() const {
    return parts_->settings;
}

std::vector<at::Tensor> UNet::parameters() const {
    std::vector<at::Tensor> tensors;
    for (const auto& [name, tensor] : parts_->parameters) tensors.push_back(tensor);
    return tensors;
}

void UNet::Parts::check(const at::Tensor& x, const at::Tensor& t, const at::Tensor& labels) const {
    const int multiple = settings.size_multiple();
    if (x.dim() != 4 || x.size(1) != settings.in_channels || x.size(2) % multiple != 0 || x.size(3) % multiple != 0 ||
        x.numel() == 0) {
        throw std::invalid_argument(c10::str("U-Net: x has shape ", x.sizes(), ", expected [N, ", settings.in_channels,
                                             ", H, W] with H and W multiples of ", multiple));
    }
    if (x.scalar_type() != outer_precision() || x.device() != device) {
        throw std::invalid_argument(c10::str("U-Net: x is ", x.scalar_type(), " on ", x.device(), ", expected ",
                                             outer_precision(), " on ", device));
    }
    if (t.dim() != 1 || t.size(0) != x.size(0)) {
        throw std::invalid_argument(c10::str("U-Net: t has shape ", t.sizes(), ", expected [", x.size(0), "]"));
    }
    if (labels.defined() != (settings.classes > 0)) {
        throw std::invalid_argument(labels.defined() ? "U-Net: labels given, but the network knows no classes"
                                                     : "U-Net: the network is class-conditional and needs labels");
    }
    if (!labels.defined()) return;
    if (labels.dim() != 1 || labels.size(0) != x.size(0) || labels.scalar_type() != at::kLong) {
        throw std::invalid_argument(c10::str("U-Net: labels are ", labels.scalar_type(), " of shape ", labels.sizes(),
                                             ", expected Long of shape [", x.size(0), "]"));
    }
    if (!labels.is_cpu()) return;  // looked at before they went to the device
    if (labels.lt(0).any().item<bool>() || labels.ge(settings.classes).any().item<bool>()) {
        throw std::invalid_argument(c10::str("U-Net: a label is not in 0 … ", settings.classes - 1));
    }
}

/// SiLU of the embedding: every residual block starts with it.
at::Tensor UNet::Parts::embedding(const at::Tensor& t, const at::Tensor& labels) const {
    at::Tensor e = timesteps.front()(t);
    if (labels.defined()) e.add_(at::embedding(parameters.at("label_emb.weight"), labels));
    return at::silu_(e);
}

at::Tensor UNet::forward(const at::Tensor& x, const at::Tensor& t, const at::Tensor& labels) const {
    parts_->check(x, t, labels);
    const at::Tensor embedding = parts_->embedding(t.detach(), labels);

    // Down, keeping every block's output
    std::vector<at::Tensor> skips;
    at::Tensor h = (parts_->settings.centers_input ? 2 * x - 1 : x).to(parts_->precision);
    if (h.is_cuda() && kernel_choice().channels_last) h = h.contiguous(at::MemoryFormat::ChannelsLast);
    for (const Block& block : parts_->input_blocks) {
        h = forward_block(block, h, embedding);
        skips.push_back(h);
    }
    h = forward_block(parts_->middle, h, embedding);
    // Up, each block fed [h, skip], last in, first out
    for (const Block& block : parts_->output_blocks) {
        h = at::cat({h, skips.back()}, 1);
        skips.pop_back();
        h = forward_block(block, std::move(h), embedding);
    }

    const TensorMap& parameters = parts_->parameters;
    h = group_norm_silu(h, parameters.at("out.0.weight"), parameters.at("out.0.bias"), parts_->settings.norm_groups,
                        parts_->settings.norm_epsilon);
    return parts_->last.front().forward(h.to(parts_->outer_precision()));
}

}  // namespace pipeline
