#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operators/measurement_operator.h"

namespace operators {

/// Blur by a kernel k: (A x)[i, j] = Σ_{a, b} k[a, b] x̃[i + a − ⌊K_h/2⌋, j + b − ⌊K_w/2⌋] in every channel, x̃ the image
/// mirrored at its border without repeating the border pixel. A cross-correlation: the kernel is NOT flipped.
///
/// A* y correlates with the flipped kernel out to the mirrored border, then folds that back to the pixels it came from.
/// A kernel that is a product k = u vᵀ (a Gaussian) is applied as A x = V x Wᵀ, where the matrices V [H, H] and W [W,
/// W] hold the taps of u and v with the mirrored border folded in, so that A* y = Vᵀ y W: on a CPU several times faster
/// than two convolutions for every image size up to 1024. On a GPU float32 images are blurred by
/// `mirrored_blur`. Zero taps at the kernel's border cost nothing.
///
/// Kernels of each image's own, [N, 1, K_h, K_w], are applied as they are, to batches of N images. On a CPU a kernel
/// that is no product and mostly 0, as the path of a shaken camera, is applied by its taps, where no graph is made; its
/// roundings are then others than LibTorch's.
class Blur final : public LinearOperator {
  public:
    /// @param kernel  [K_h, K_w] or [N, 1, K_h, K_w], both sides odd; its device is where images must be
    /// @throws std::invalid_argument  if the kernel's shape is not that, it is not finite, all 0, or wider than the
    /// mirrored
    ///                                image (⌊K/2⌋ must stay below the side, zero taps at its border not counted).
    Blur(std::string name, const at::Tensor& kernel, Shape image_shape);

    bool is_separable() const { return vertical_.defined(); }
    std::vector<at::Tensor> tensors() const override;

  private:
    at::Tensor apply_forward(const at::Tensor& x) const override;
    at::Tensor apply_adjoint(const at::Tensor& y) const override;
    void set_kernel(const at::Tensor& kernels);
    /// by_taps(x, kernel) or by_convolution(x, kernel), each image's planes of x [1, N C, …] by what its own kernel
    /// asks for.
    template <class ByTaps, class ByConvolution>
    at::Tensor by_kernel(const at::Tensor& x, const at::Tensor& kernel, const ByTaps& by_taps,
                         const ByConvolution& by_convolution) const;
    /// x as convolution by `kernel_` wants it: all channels of all images side by side where each has its own kernel.
    at::Tensor side_by_side(const at::Tensor& x, std::string_view what) const;

    bool has_own_kernels_ = false;
    at::Tensor vertical_;  // V and W in double, where the kernel is a product …
    at::Tensor horizontal_;
    at::Tensor vertical_float_;  // … and rounded once for float32 images
    at::Tensor horizontal_float_;
    at::Tensor column_;  // u and v themselves in float32: on a GPU the taps are applied one by one
    at::Tensor row_;
    // else the kernel itself without its zero border, [C, 1, K_h, K_w] or [N C, 1, K_h, K_w], in double and in float32
    at::Tensor kernel_;
    at::Tensor kernel_float_;
    std::vector<bool> is_sparse_;  // of each of them
};

}  // namespace operators
