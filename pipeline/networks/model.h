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
    std::filesystem::path settings_file;
    std::string format;  ///< "guided-diffusion"
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

/// Describes a checkpoint: a .safetensors file with its settings beside it (NAME.json, or config.json in the same
/// folder), or a folder with model.safetensors and config.json. Settings are a flat file of guided-diffusion's own
/// names, or nested under `model` (or `model.unet`) and `diffusion`. Names and shapes are checked strictly.
/// @throws CheckpointError  in one sentence
ModelDescription describe_model(const std::filesystem::path& path);

/// The description of settings alone (a JSON file of guided-diffusion's names), without weights.
ModelDescription describe_guided_diffusion(const std::filesystem::path& settings_file);

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
    Model(const ModelDescription& description, const TensorMap& weights);
    at::Tensor timesteps(const at::Tensor& x_t, double timestep) const;

    ModelDescription description_;
    UNet network_;
};

}  // namespace pipeline
