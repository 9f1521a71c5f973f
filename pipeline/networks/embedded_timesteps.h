#pragma once

#include <cstdint>
#include <map>

#include <ATen/core/Tensor.h>

#include "pipeline/networks/tensor_file.h"
#include "pipeline/networks/unet.h"

namespace pipeline {

/// The timesteps of a run as the U-Net's blocks want them: e(t) = W₂ SiLU(W₁ γ(t) + b₁) + b₂, γ being
/// `timestep_embedding`. On the CPU each timestep is computed once and kept (4·model_channels numbers), by itself, so
/// that its bits do not depend on the batch.
class EmbeddedTimesteps {
  public:
    /// @param parameters  with `time_embed.0` and `time_embed.2`
    /// @param precision   of the result
    EmbeddedTimesteps(const UNetSettings& settings, const TensorMap& parameters, at::ScalarType precision);

    /// t [N] → [N, 4·model_channels], memory of its own.
    at::Tensor operator()(const at::Tensor& t) const;

  private:
    at::Tensor compute(const at::Tensor& t) const;
    /// Grows with every change of the weights.
    std::int64_t version() const;

    int width_;
    EmbeddingLayout layout_;
    at::ScalarType precision_;
    at::Tensor weight1_, bias1_, weight2_, bias2_;
    mutable std::map<std::uint64_t, at::Tensor> known_;  ///< [1, 4·model_channels], by the bits of t as a double
    mutable std::int64_t known_version_ = 0;
};

}  // namespace pipeline
