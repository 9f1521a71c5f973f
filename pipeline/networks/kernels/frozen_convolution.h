#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// A 2-D convolution with zero padding whose weights are frozen: x [N, C, H, W] → [N, D, H', W'].
///
/// The gradient with respect to x needs the weights and the sizes of x alone, so that nothing of x is kept for it,
/// unlike with `at::conv2d`. It can be differentiated once. Where the CPU reads the weights in another form, that form
/// is made at the first call that needs it and kept until LibTorch writes the weights; who writes their memory past
/// LibTorch does so before the first call. Not for several threads at once.
class FrozenConvolution {
  public:
    /// @param weight  [D, C, k, k]
    /// @param bias    [D]
    FrozenConvolution(at::Tensor weight, const at::Tensor& bias, int stride, int padding);

    /// @param addend  [N, D, H', W'], added to the result and differentiated too
    at::Tensor forward(const at::Tensor& x, const std::optional<at::Tensor>& addend = {}) const;

  private:
    /// Another form of the weights, and which version of them it was made from.
    struct Transformed {
        at::Tensor numbers;
        std::int64_t version = -1;
    };
    at::Tensor transformed(Transformed& kept, bool is_adjoint) const;

    at::Tensor weight_;
    at::Tensor bias_;
    int stride_;
    int padding_;
    mutable Transformed transformed_;          ///< For forward calls by `winograd_convolution`.
    mutable Transformed transformed_adjoint_;  ///< For gradients.
};

}  // namespace pipeline
