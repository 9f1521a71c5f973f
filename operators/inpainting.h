#pragma once

#include <string>
#include <vector>

#include "operators/measurement_operator.h"

namespace operators {

/// Inpainting: A x = m ⊙ x, hence A* y = m ⊙ y.
///
/// The mask m is 1 where a pixel is observed and shared by the channels; [1, 1, H, W] for the whole batch or [N, 1, H,
/// W], to each image its own. Removed pixels are 0 in y: mid-grey on the [−1, 1] scale.
class Inpainting final : public LinearOperator {
  public:
    /// @param name  as messages and results call it: "box", "random", "mask"
    /// @throws std::invalid_argument  if the mask's shape does not fit the images, or it holds anything but 0 and 1.
    Inpainting(std::string name, const at::Tensor& mask, Shape image_shape);

    at::Tensor observed() const override { return mask_; }
    std::vector<at::Tensor> tensors() const override { return {mask_}; }

  private:
    at::Tensor apply_forward(const at::Tensor& x) const override { return masked(x, "x"); }
    at::Tensor apply_adjoint(const at::Tensor& y) const override { return masked(y, "y"); }

    at::Tensor masked(const at::Tensor& image, std::string_view what) const;

    at::Tensor mask_;  // float32
};

}  // namespace operators
