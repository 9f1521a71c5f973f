#include "pipeline/networks/model.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include <torch/csrc/autograd/autograd.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "pipeline/networks/checkpoint_file.h"
#include "pipeline/networks/diffusers_names.h"
#include "pipeline/networks/readable_name.h"

namespace pipeline {
namespace {

/// Zeros of the wanted shapes that take no memory before they are copied.
TensorMap zero_weights(const UNetSettings& network) {
    TensorMap weights;
    for (const auto& [name, shape] : parameter_shapes(network)) weights[name] = at::zeros({1}).expand(shape);
    return weights;
}

at::Tensor alpha_bars(const NoiseSchedule& schedule, at::Device device) {
    const at::Tensor values = at::empty({schedule.size()}, at::kDouble);
    for (int t = 0; t < schedule.size(); ++t) values.mutable_data_ptr<double>()[t] = schedule.alpha_bar(t);
    return values.to(device);
}

}  // namespace

std::string_view to_string(PredictionKind kind) {
    switch (kind) {
        case PredictionKind::epsilon:
            return "epsilon";
        case PredictionKind::sample:
            return "sample";
        case PredictionKind::v_prediction:
            return "v_prediction";
    }
    throw std::logic_error("no kind of prediction");
}

void ModelDescription::set_betas(double first, double last) {
    const double scale = 1000.0 / timesteps;
    beta_range.reset();
    if (schedule != "linear" || first != scale * 1e-4 || last != scale * 0.02) beta_range = {first, last};
}

std::vector<std::filesystem::path> ModelDescription::files() const {
    return shards.empty() ? std::vector{weights_file} : shards;
}

NoiseSchedule ModelDescription::noise_schedule() const {
    if (schedule == "trained") return NoiseSchedule::from_betas(trained_betas);
    if (schedule == "cosine") return NoiseSchedule::cosine(timesteps);
    if (schedule == "linear" && !beta_range) return NoiseSchedule::linear(timesteps);
    const auto [first, last] = beta_range.value_or(std::pair(1e-4, 0.02));
    if (schedule == "linear") return NoiseSchedule::linear(timesteps, first, last);
    if (schedule == "scaled_linear") return NoiseSchedule::scaled_linear(timesteps, first, last);
    if (schedule == "sigmoid") return NoiseSchedule::sigmoid(timesteps, first, last);
    throw std::invalid_argument("noise schedule '" + schedule +
                                "': allowed are linear, cosine, scaled_linear, sigmoid and trained");
}

TensorMap read_model_weights(const ModelDescription& description) {
    TensorMap weights;
    for (const std::filesystem::path& file : description.files()) weights.merge(read_checkpoint(file));
    if (description.format != "diffusers") return weights;
    return from_diffusers(weights, description.network, readable_name(description.weights_file.string()));
}

Model::Model(const ModelDescription& description, const Placement& placement)
    : Model(description, read_model_weights(description), placement) {}

Model::Model(const ModelDescription& description, TensorMap weights, const Placement& placement)
    : description_(description),
      alpha_bars_(alpha_bars(description.noise_schedule(), placement.device)),
      network_(description.network, std::move(weights),
               placement.precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat, placement.device) {}

std::unique_ptr<Model> Model::without_weights(const ModelDescription& description, const Placement& placement) {
    return std::unique_ptr<Model>(new Model(description, zero_weights(description.network), placement));
}

void Model::condition_on(const at::Tensor& labels) {
    const int classes = description_.network.classes;
    if (labels.defined() != (classes > 0)) {
        throw std::invalid_argument(classes > 0 ? "Model: the network is class-conditional and needs labels"
                                                : "Model: labels given, but the network knows no classes");
    }
    if (labels.defined() && (labels.lt(0).any().item<bool>() || labels.ge(classes).any().item<bool>())) {
        throw std::invalid_argument("Model: a label is not in 0 … " + std::to_string(classes - 1));
    }
    // In place where it can be: a captured step goes on reading them where they were.
    if (labels.defined() && labels_.defined() && labels.sizes() == labels_.sizes()) {
        labels_.copy_(labels);
    } else {
        labels_ = labels.defined() ? labels.clone() : labels;
    }
}

at::Tensor Model::timesteps(const at::Tensor& x_t, const Timestep& timestep) const {
    // In float32 as the reference rescales
    const float scale = description_.rescales_timesteps ? static_cast<float>(1000.0 / description_.timesteps) : 1.0F;
    if (timestep.is_on_device()) {
        return timestep.place().to(at::kFloat).mul(scale).to(x_t.scalar_type()).expand({x_t.size(0)});
    }
    return at::full({x_t.size(0)}, static_cast<float>(timestep.value()) * scale, x_t.options());
}

at::Tensor Model::epsilon_of(const at::Tensor& said, const at::Tensor& x_t, const Timestep& timestep) const {
    if (description_.prediction == PredictionKind::epsilon) return said;
    at::Tensor alpha_bar;
    if (timestep.is_on_device()) {
        alpha_bar = alpha_bars_.index_select(0, timestep.place().to(at::kLong).view(1)).squeeze(0);
    } else {
        const double t = timestep.value();
        if (t < 0 || t >= static_cast<double>(alpha_bars_.size(0)) || std::floor(t) != t) {
            throw std::invalid_argument("Model: timestep " + std::to_string(t) + " of a network that predicts " +
                                        std::string(to_string(description_.prediction)) +
                                        ", expected a whole one below " + std::to_string(alpha_bars_.size(0)));
        }
        alpha_bar = alpha_bars_.select(0, static_cast<std::int64_t>(t));
    }
    // 0-dim: they do not raise the images' precision
    const at::Tensor signal = alpha_bar.sqrt(), noise = (1.0 - alpha_bar).sqrt();
    if (description_.prediction == PredictionKind::sample) return (x_t - signal * said) / noise;
    return signal * said + noise * x_t;
}

/// ε, and the variance's fraction where the network gives one, from the network's output.
Prediction Model::split(const at::Tensor& output, const at::Tensor& x_t, const Timestep& timestep) const {
    const int channels = description_.network.in_channels;
    if (!description_.has_learned_variance()) return {epsilon_of(output, x_t, timestep), {}};
    return {epsilon_of(output.narrow(1, 0, channels), x_t, timestep), output.narrow(1, channels, channels)};
}

Prediction Model::predict(const at::Tensor& x_t, const Timestep& timestep) {
    const c10::NoGradGuard no_gradient;
    return split(network_.forward(x_t.detach(), timesteps(x_t, timestep), labels_), x_t.detach(), timestep);
}

DifferentiablePrediction Model::predict_differentiably(const at::Tensor& x_t, const Timestep& timestep) {
    const c10::AutoGradMode with_gradient(true);
    const at::Tensor x = x_t.detach().requires_grad_(true);
    const Prediction prediction = split(network_.forward(x, timesteps(x_t, timestep), labels_), x, timestep);

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
