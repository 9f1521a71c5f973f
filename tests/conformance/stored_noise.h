#pragma once

#include <map>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/samplers/sampler.h"

namespace conformance {

/// The normals that a reference run was given, in place of keyed ones.
class StoredNoise final : public pipeline::NoiseSource {
  public:
    /// @param start      x_T; may be undefined
    /// @param guide      what a guide is noised with; may be undefined
    /// @param steps      [K, N, C, H, W], of the executed steps in order
    /// @param timesteps  K, on the checkpoint's scale
    StoredNoise(at::Tensor start, at::Tensor guide, at::Tensor steps, const std::vector<int>& timesteps);

    /// @throws std::runtime_error  where nothing is stored for this purpose or timestep
    at::Tensor normal(operators::Purpose purpose, int level, int inner) const override;

  private:
    at::Tensor start_;
    at::Tensor guide_;
    at::Tensor steps_;
    std::map<int, int> step_at_;
};

}  // namespace conformance
