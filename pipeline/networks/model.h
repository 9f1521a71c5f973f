#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/diffusion/noise_predictor.h"
#include "pipeline/diffusion/noise_schedule.h"
#include "pipeline/networks/unet.h"

namespace pipeline {

/// What a checkpoint is, known from its settings and its tensors' names and shapes, before any weight is read.
struct ModelDescription {
    std::filesystem::path weights_file;
    std::filesystem::path settings_file;  ///< Empty where a preset gives the settings.
    std::string settings_source;          ///< The file's name, or "preset ffhq_10m".
    std::string format;                   ///< "guided-diffusion"
    UNetSettings network;
    int image_size = 0;                                 ///< Side of the images it was trained on.
    int timesteps = 1000;                               ///< T
    std::string schedule = "linear";                    ///< "linear" or "cosine"
    VarianceKind variance = VarianceKind::fixed_small;  ///< What the checkpoint samples with by default.
    bool rescales_timesteps = false;                    ///< The network is asked with t · 1000/T.
    std::int64_t parameters = 0;
    std::vector<std::string> notes;  ///< What was assumed and from where.

    bool has_learned_variance() const { return network.out_channels == 2 * network.in_channels; }
    NoiseSchedule noise_schedule() const;
};

/// Describes a checkpoint: a file of safetensors or of `torch.save` (.pt, zip or legacy) with its settings beside it
/// (NAME.json, or config.json in the same folder), or a folder with model.safetensors and config.json. Settings are a
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
    explicit Model(const ModelDescription& description);
    /// Weights that arrive from elsewhere: made with zeros, to be filled through `parameters()`.
    static std::unique_ptr<Model> without_weights(const ModelDescription& description);

    Prediction predict(const at::Tensor& x_t, double timestep) override;
    DifferentiablePrediction predict_differentiably(const at::Tensor& x_t, double timestep) override;
    bool has_learned_variance() const override { return description_.has_learned_variance(); }

    const ModelDescription& description() const { return description_; }
    std::vector<at::Tensor> parameters() const { return network_.parameters(); }

  private:
    Model(const ModelDescription& description, TensorMap weights);
    at::Tensor timesteps(const at::Tensor& x_t, double timestep) const;

    ModelDescription description_;
    UNet network_;
};

}  // namespace pipeline
