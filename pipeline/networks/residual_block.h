#pragma once

#include <ATen/core/Tensor.h>

#include "pipeline/networks/kernels/frozen_convolution.h"
#include "pipeline/networks/unet_plan.h"

namespace pipeline {

/// A convolution of a checkpoint. Kernels of 1 and 3 pixels keep the size, or halve it with a stride of 2.
class Convolution {
  public:
    /// @param name                   of the layer, without ".weight"
    /// @param pads_right_and_bottom  one zero there, instead of half the kernel on every side
    Convolution(const TensorMap& parameters, const std::string& name, int stride = 1,
                bool pads_right_and_bottom = false);

    /// @param addend  added to the result
    at::Tensor forward(const at::Tensor& x, const std::optional<at::Tensor>& addend = {}) const;

  private:
    bool pads_right_and_bottom_;
    FrozenConvolution convolution_;
};

/// h = conv(SiLU(GN(x))), then conv(SiLU(GN(h) (1 + scale) + shift)) or, without scale-shift norm, conv(SiLU(GN(h +
/// e))), plus skip(x). Up and down: h, after its first norm and SiLU, and x are both resampled (2×2 mean, nearest
/// neighbour).
class ResidualBlock {
  public:
    ResidualBlock(const LayerPlan& plan, const UNetSettings& settings, const TensorMap& parameters);

    /// @param embedding  SiLU of the timestep's embedding, [N, embedding_width]
    at::Tensor forward(const at::Tensor& x, const at::Tensor& embedding) const;

  private:
    at::Tensor resampled(const at::Tensor& x) const;

    LayerKind kind_;
    bool has_scale_shift_;
    int groups_;
    double epsilon_;
    at::Tensor norm1_weight_, norm1_bias_;
    Convolution convolution1_;
    at::Tensor embedding_weight_, embedding_bias_;
    at::Tensor norm2_weight_, norm2_bias_;
    Convolution convolution2_;
    std::vector<Convolution> skip_;  ///< One where the number of channels changes, none otherwise.
};

}  // namespace pipeline
