#pragma once

#include <memory>
#include <vector>

#include "operators/measurement_operator.h"

namespace operators {

/// An operator for images that are larger than what was measured: A_p x = A x[:h, :w], x [C, H, W] with H ≥ h, W ≥ w.
///
/// A network takes sides that are multiples of something; the pixels that a photo lacks are to the right and below, and
/// y says nothing about them: A_p* fills them with 0, so that they pull at nothing. A's own border stays where the
/// photo's is.
class Cropped final : public MeasurementOperator {
  public:
    /// @param padded  shape of x, as many channels as A takes and no side smaller
    /// @throws std::invalid_argument  with both shapes, where it does not hold A's
    Cropped(std::shared_ptr<const MeasurementOperator> A, const Shape& padded);

    at::Tensor observed() const override { return A_->observed(); }
    std::vector<at::Tensor> tensors() const override { return A_->tensors(); }
    /// A's, continued by its mirror image.
    at::Tensor as_image(const at::Tensor& y) const override;

  private:
    at::Tensor apply_forward(const at::Tensor& x) const override;
    at::Tensor apply_vjp(const at::Tensor& x, const at::Tensor& v) const override;
    at::Tensor cropped(const at::Tensor& x) const;

    std::shared_ptr<const MeasurementOperator> A_;
};

/// x continued to the right and below by its mirror image without the border pixel repeated, again and again where it
/// is small: [N, C, h, w] → [N, C, height, width].
at::Tensor continued_by_mirror(const at::Tensor& x, std::int64_t height, std::int64_t width);

}  // namespace operators
