#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/diffusion/noise_predictor.h"
#include "pipeline/diffusion/noise_schedule.h"
#include "pipeline/networks/placement.h"
#include "pipeline/networks/unet.h"

namespace pipeline {

/// What a network says about x_t = √ᾱ x₀ + √(1−ᾱ) ε: ε, x₀, or v = √ᾱ ε − √(1−ᾱ) x₀ (Salimans & Ho 2022).
enum class PredictionKind { epsilon, sample, v_prediction };

std::string_view to_string(PredictionKind kind);

/// What a checkpoint is, known from its settings and its tensors' names and shapes, before any weight is read.
struct ModelDescription {
    std::filesystem::path weights_file;
    std::filesystem::path settings_file;        ///< Empty where a preset gives the settings.
    std::string settings_source;                ///< The file's name, or "preset ffhq_10m".
    std::vector<std::filesystem::path> shards;  ///< The files that weights_file, an index, names; empty otherwise.
    std::string format;                         ///< "guided-diffusion" or "diffusers"
    UNetSettings network;
    int image_size = 0;                                   ///< Side of the images it was trained on.
    int timesteps = 1000;                                 ///< T
    std::string schedule = "linear";                      ///< linear, cosine, scaled_linear, sigmoid, trained
    std::optional<std::pair<double, double>> beta_range;  ///< β_1 and β_T; guided-diffusion's for this T where absent.
    std::vector<double> trained_betas;
    PredictionKind prediction = PredictionKind::epsilon;
    bool clips = true;                                  ///< x̂₀ is clamped to [−1, 1] by default.
    int steps_offset = 0;                               ///< Added to the timesteps of a `leading` grid.
    VarianceKind variance = VarianceKind::fixed_small;  ///< What the checkpoint samples with by default.
    bool rescales_timesteps = false;                    ///< The network is asked with t · 1000/T.
    std::int64_t parameters = 0;
    std::vector<std::string> notes;  ///< What was assumed and from where.

    /// Sets the ends of the schedule; those that guided-diffusion's linear schedule of this T has need no saying.
    void set_betas(double first, double last);
    /// The files to read, in order of their names.
    std::vector<std::filesystem::path> files() const;
    bool has_learned_variance() const { return network.out_channels == 2 * network.in_channels; }
    NoiseSchedule noise_schedule() const;
};

/// Describes a checkpoint: a file of safetensors or of `torch.save` (.pt, zip or legacy) with its settings beside it
/// (NAME.json, or config.json in the same folder), or a folder: model.safetensors and config.json, or
/// diffusers' UNet2DModel in either of its layouts (see model_files.h). guided-diffusion's settings are a
/// flat file of guided-diffusion's own names, or nested under `model` (or `model.unet`) and `diffusion`; what they
/// leave open the tensors' shapes decide where they can. Names and shapes are checked strictly.
///
/// @param preset  name of published settings that are taken in place of a settings file. Empty: without a settings file
///                the preset of the file's published name, if it has one
/// @throws CheckpointError  in one sentence
ModelDescription describe_model(const std::filesystem::path& path, const std::string& preset = "");

/// The settings that decide what the network computes and how it is sampled, as one line of JSON: equal exactly where
/// two descriptions mean the same model.
std::string settings_text(const ModelDescription& model);

/// The description of settings alone (a JSON file of guided-diffusion's names), without weights.
ModelDescription describe_guided_diffusion(const std::filesystem::path& settings_file);

/// The weights of a described checkpoint by the network's own names, as stored.
/// @throws CheckpointError
TensorMap read_model_weights(const ModelDescription& description);

/// Floating-point operations of one forward pass for one image of this size: convolutions, linear layers and attention,
/// two per multiply-add.
double forward_flop(const UNetSettings& network, int height, int width);

/// A loaded checkpoint as samplers want it.
class Model final : public NoisePredictor {
  public:
    /// Reads the weights.
    explicit Model(const ModelDescription& description, const Placement& placement = {});
    /// Weights that arrive from elsewhere: made with zeros, to be filled through `parameters()`.
    static std::unique_ptr<Model> without_weights(const ModelDescription& description, const Placement& placement = {});

    Prediction predict(const at::Tensor& x_t, const Timestep& timestep) override;
    DifferentiablePrediction predict_differentiably(const at::Tensor& x_t, const Timestep& timestep) override;
    void condition_on(const at::Tensor& labels) override;
    bool has_learned_variance() const override { return description_.has_learned_variance(); }

    const ModelDescription& description() const { return description_; }
    std::vector<at::Tensor> parameters() const { return network_.parameters(); }

  private:
    Model(const ModelDescription& description, TensorMap weights, const Placement& placement);
    at::Tensor timesteps(const at::Tensor& x_t, const Timestep& timestep) const;
    /// ε from what the network says of x_t.
    at::Tensor epsilon_of(const at::Tensor& said, const at::Tensor& x_t, const Timestep& timestep) const;
    Prediction split(const at::Tensor& output, const at::Tensor& x_t, const Timestep& timestep) const;

    ModelDescription description_;
    at::Tensor alpha_bars_;  ///< By timestep, float64 [T], on the network's device.
    at::Tensor labels_;      ///< [N], of a class-conditional network.
    UNet network_;
};

}  // namespace pipeline
