#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/networks/tensor_file.h"

namespace pipeline {

/// Learned perceptual image patch similarity v0.1 (Zhang et al. 2018), per image.
///
/// Features at the backbone's taps, each divided by its norm over channels, squared difference, a 1×1 head w ≥ 0, mean over
/// H and W, sum over taps. The backbone is part of the number: `net()` is recorded with every result.
class Lpips {
  public:
    /// The weights that travel inside the program: net alex.
    static Lpips embedded();
    /// A safetensors file with `features.*` (torchvision's names) and `lin{i}.model.1.weight`; alex, squeeze or vgg is told
    /// from the names.
    /// @throws CheckpointError  where the tensors are those of no known net
    static Lpips from_file(const std::filesystem::path& path);
    static Lpips from_tensors(const TensorMap& tensors, const std::string& file);
    ~Lpips();
    Lpips(Lpips&&) noexcept;

    /// @param restored, reference  [N, 3, H, W] on [−1, 1] (one channel is repeated to three); clamped
    /// @return N values; NaN where `restored` is not finite
    /// @throws std::invalid_argument  where shapes differ, channels are neither 1 nor 3, or the image is too small for the net
    std::vector<double> operator()(const at::Tensor& restored, const at::Tensor& reference) const;

    /// "alex", "squeeze" or "vgg".
    const std::string& net() const { return net_; }
    /// Smallest side of an image that the net takes.
    int minimum_size() const;

  private:
    struct Trunk;
    Lpips(std::string net, std::unique_ptr<Trunk> trunk);
    std::string net_;
    std::unique_ptr<Trunk> trunk_;
};

}  // namespace pipeline
