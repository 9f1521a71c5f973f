#include "pipeline/networks/model.h"

#include <stdexcept>
#include <string>
#include <utility>

#include <torch/csrc/autograd/autograd.h>

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/checkpoint_file.h"

namespace pipeline {
namespace {

/// ε, and v where the network gives it, from the network's output.
Prediction split_prediction(const at::Tensor& output, const ModelDescription& description) {
    const int channels = description.network.in_channels;
    if (!description.has_learned_variance()) return {output, {}};
    return {output.narrow(1, 0, channels), output.narrow(1, channels, channels)};
}

/// Zeros of the wanted shapes that take no memory before they are copied.
TensorMap zero_weights(const UNetSettings& network) {
    TensorMap weights;
    for (const auto& [name, shape] : parameter_shapes(network)) weights[name] = at::zeros({1}).expand(shape);
    return weights;
}

const ModelDescription& unconditional(const ModelDescription& description) {
    if (description.network.classes == 0) return description;
    throw CheckpointError(description.settings_source +
                          ": class_cond is true; sampling knows no classes, allowed is false");
}

}  // namespace

NoiseSchedule ModelDescription::noise_schedule() const {
    if (schedule == "linear") return NoiseSchedule::linear(timesteps);
    if (schedule == "cosine") return NoiseSchedule::cosine(timesteps);
    throw std::invalid_argument("noise schedule '" + schedule + "': allowed are linear and cosine");
}

TensorMap read_model_weights(const ModelDescription& description) {
    return read_checkpoint(description.weights_file);
}

Model::Model(const ModelDescription& description) : Model(description, read_model_weights(description)) {}

Model::Model(const ModelDescription& description, TensorMap weights)
    : description_(unconditional(description)), network_(description.network, std::move(weights)) {}

std::unique_ptr<Model> Model::without_weights(const ModelDescription& description) {
    return std::unique_ptr<Model>(new Model(description, zero_weights(description.network)));
}

at::Tensor Model::timesteps(const at::Tensor& x_t, double timestep) const {
    // In float32 as the reference rescales
    auto t = static_cast<float>(timestep);
    if (description_.rescales_timesteps) t *= static_cast<float>(1000.0 / description_.timesteps);
    return at::full({x_t.size(0)}, t, x_t.options());
}

Prediction Model::predict(const at::Tensor& x_t, double timestep) {
    const c10::NoGradGuard no_gradient;
    return split_prediction(network_.forward(x_t.detach(), timesteps(x_t, timestep)), description_);
}

DifferentiablePrediction Model::predict_differentiably(const at::Tensor& x_t, double timestep) {
    const c10::AutoGradMode with_gradient(true);
    const at::Tensor x = x_t.detach().requires_grad_(true);
    const Prediction prediction = split_prediction(network_.forward(x, timesteps(x_t, timestep)), description_);

    DifferentiablePrediction result;
    result.prediction.epsilon = prediction.epsilon.detach();
    if (prediction.variance_fraction.defined()) {
        result.prediction.variance_fraction = prediction.variance_fraction.detach();
    }
    result.vjp = [x, epsilon = prediction.epsilon](const at::Tensor& w) mutable {
        if (!epsilon.defined()) throw std::logic_error("Model: vjp is called a second time");
        // The graph goes with this variable, also where the gradient throws.
        const at::Tensor output = std::exchange(epsilon, {});
        return torch::autograd::grad({output}, {x}, {w}).at(0);
    };
    return result;
}

}  // namespace pipeline
