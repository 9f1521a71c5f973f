#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/networks/tensor_file.h"

namespace pipeline {

/// How a timestep is embedded: f_i = exp(−ln(10⁴) i/(half − shift)).
struct EmbeddingLayout {
    bool is_sine_first = false;  ///< [sin(t f), cos(t f)] instead of [cos(t f), sin(t f)].
    int shift = 0;
};

/// Everything that shapes the U-Net. One network covers the field's two layouts (Dhariwal & Nichol 2021; diffusers'
/// UNet2DModel): they share the topology and differ in these settings.
struct UNetSettings {
    int in_channels = 3;
    int out_channels = 3;  ///< 2 · in_channels with learned variance.
    int model_channels = 128;
    int res_blocks = 2;                       ///< Residual blocks a level on the way down; one more on the way up.
    std::vector<double> channel_multipliers;  ///< One per level, finest first; 0.5 occurs.
    std::vector<int> attention_factors;       ///< Down-sampling factors (1, 2, 4, …) whose residual blocks attend.
    std::optional<std::vector<int>> attention_factors_up;  ///< On the way up, where they differ.
    bool has_middle_attention = true;
    int heads = 1;                         ///< Used where head_channels is −1.
    int heads_upsample = -1;               ///< As `heads`, on the way up; −1: the same number.
    int head_channels = -1;                ///< Channels per attention head; −1: as many as `heads` gives.
    bool is_new_attention_order = false;   ///< q, k, v outermost instead of heads outermost.
    bool has_scale_shift_norm = false;     ///< The embedding scales and shifts after norm 2 instead of being added.
    bool has_residual_resampling = false;  ///< Up and down by residual blocks instead of convolutions.
    int classes = 0;                       ///< > 0: class-conditional.
    int norm_groups = 32;
    double norm_epsilon = 1e-5;
    EmbeddingLayout embedding;
    bool pads_right_and_bottom = false;  ///< Convolutions down: one zero there, instead of one on every side.
    bool centers_input = false;          ///< The network is given 2x − 1.

    int levels() const { return static_cast<int>(channel_multipliers.size()); }
    /// Images must be divisible by this, 2^(levels−1).
    int size_multiple() const { return 1 << (levels() - 1); }
};

/// The parameters a U-Net of these settings has, with guided-diffusion's names.
std::map<std::string, std::vector<std::int64_t>> parameter_shapes(const UNetSettings& settings);

/// The U-Net with frozen parameters.
///
/// Forward: x [N, in, H, W] and one timestep per row → [N, out, H, W]. GroupNorm statistics and attention's softmax are
/// float32. Gradients flow to x alone.
class UNet {
  public:
    /// @param weights    every name of `parameter_shapes`, any float dtype; copied; what only this map holds is
    /// released
    ///                   as it is copied
    /// @param precision  of weights and activations: float32, float64 or bfloat16. x, embeddings, norms' weights and
    ///                   statistics and the last layer are float32 with bfloat16
    /// @throws CheckpointError  listing missing, unexpected and misshapen names, ten of each at most
    UNet(UNetSettings settings, TensorMap weights, at::ScalarType precision = at::kFloat, at::Device device = at::kCPU);
    ~UNet();
    UNet(UNet&&) noexcept;

    /// @param t       [N], the timesteps as the checkpoint counts them; real values are allowed
    /// @param labels  [N] int64, needed exactly where the network is class-conditional
    at::Tensor forward(const at::Tensor& x, const at::Tensor& t, const at::Tensor& labels = {}) const;

    const UNetSettings& settings() const;
    /// The parameters in order of name: what replicas must agree on. Writing into them changes the network.
    std::vector<at::Tensor> parameters() const;

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// Sine and cosine of t times the layout's frequencies: t [N] → [N, width], frequencies in float32 as the references
/// compute them.
at::Tensor timestep_embedding(const at::Tensor& t, int width, at::ScalarType precision = at::kFloat,
                              const EmbeddingLayout& layout = {});

/// Throws where a checkpoint's tensors are not exactly those wanted: "3 missing (a, b, c), 1 unexpected (d), …".
/// @throws CheckpointError
void check_parameters(const std::string& file, const std::map<std::string, std::vector<std::int64_t>>& wanted,
                      const TensorHeaders& found);

}  // namespace pipeline
