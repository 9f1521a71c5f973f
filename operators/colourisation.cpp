#include "operators/colourisation.h"

#include <stdexcept>
#include <string>

#include <ATen/TensorOperators.h>

namespace operators {
namespace {

void check_channels(const Shape& image) {
    if (image.channels > 1) return;
    throw std::invalid_argument("colourisation: images of " + std::to_string(image.channels) +
                                " channel have no colour, allowed are 2 channels and more");
}

}  // namespace

Colourisation::Colourisation(Shape image_shape)
    : LinearOperator("colourisation", image_shape, {1, image_shape.height, image_shape.width}) {
    check_channels(image_shape);
}

at::Tensor Colourisation::apply_forward(const at::Tensor& x) const {
    return x.mean(1, true);
}

at::Tensor Colourisation::apply_adjoint(const at::Tensor& y) const {
    return (y / static_cast<double>(x_shape().channels)).expand({-1, x_shape().channels, -1, -1}).contiguous();
}

at::Tensor Colourisation::as_image(const at::Tensor& y) const {
    check_shape(y, y_shape(), "y");
    return y.expand({-1, x_shape().channels, -1, -1}).contiguous();
}

void resolve_colourisation(Settings& /*settings*/, const Shape& image) {
    check_channels(image);
}

std::unique_ptr<MeasurementOperator> make_colourisation(const Settings& /*settings*/, const Shape& image,
                                                        const Parameters& /*parameters*/) {
    return std::make_unique<Colourisation>(image);
}

}  // namespace operators
