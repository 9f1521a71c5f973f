#pragma once

#include <memory>

#include "operators/measurement_operator.h"
#include "operators/option.h"

namespace operators {

/// Denoising: A x = x, hence A* y = y. The results share their argument's memory.
class Identity final : public LinearOperator {
  public:
    explicit Identity(Shape image_shape) : LinearOperator("identity", image_shape, image_shape) {}

  private:
    at::Tensor apply_forward(const at::Tensor& x) const override { return x; }
    at::Tensor apply_adjoint(const at::Tensor& y) const override { return y; }
};

std::unique_ptr<MeasurementOperator> make_identity(const Settings& settings, const Shape& image,
                                                   const Parameters& parameters);

}  // namespace operators
