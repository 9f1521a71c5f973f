#pragma once

#include <memory>

#include "operators/measurement_operator.h"
#include "operators/option.h"

namespace operators {

/// Colourisation: y is the grey image, the mean of the channels (Wang et al., ICLR 2023, DDNM): [N, C, H, W] → [N, 1,
/// H, W]; A* y = y/C in every channel.
class Colourisation final : public LinearOperator {
  public:
    /// @throws std::invalid_argument  for images of one channel, which have no colour
    explicit Colourisation(Shape image_shape);

    /// The grey image in every channel.
    at::Tensor as_image(const at::Tensor& y) const override;

  private:
    at::Tensor apply_forward(const at::Tensor& x) const override;
    at::Tensor apply_adjoint(const at::Tensor& y) const override;
};

/// @throws std::invalid_argument  for images of one channel.
void resolve_colourisation(Settings& settings, const Shape& image);

std::unique_ptr<MeasurementOperator> make_colourisation(const Settings& settings, const Shape& image,
                                                        const Parameters& parameters);

}  // namespace operators
