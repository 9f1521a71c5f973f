#include "operators/measurement_operator.h"

#include <stdexcept>
#include <utility>

namespace operators {

MeasurementOperator::MeasurementOperator(std::string name, Shape x_shape, Shape y_shape)
    : name_(std::move(name)), x_shape_(x_shape), y_shape_(y_shape) {}

at::Tensor MeasurementOperator::forward(const at::Tensor& x) const {
    check_shape(x, x_shape_, "x");
    return apply_forward(x);
}

at::Tensor MeasurementOperator::vjp(const at::Tensor& x, const at::Tensor& v) const {
    check_shape(x, x_shape_, "x");
    check_shape(v, y_shape_, "v");
    if (x.size(0) != v.size(0)) {
        throw std::invalid_argument(name_ + ": x has shape " + shape_of(x) + ", v has shape " + shape_of(v) +
                                    ", expected as many rows in both");
    }
    return apply_vjp(x, v);
}

at::Tensor MeasurementOperator::as_image(const at::Tensor& y) const {
    check_shape(y, y_shape_, "y");
    if (is_image_like()) return y;
    throw std::invalid_argument(name_ + ": the measurement has shape " + to_string(y_shape_) + ", an image needs " +
                                to_string(x_shape_));
}

void MeasurementOperator::check_shape(const at::Tensor& tensor, const Shape& expected, std::string_view what) const {
    if (tensor.defined() && tensor.dim() == 4 && tensor.size(1) == expected.channels &&
        tensor.size(2) == expected.height && tensor.size(3) == expected.width) {
        return;
    }
    throw std::invalid_argument(name_ + ": " + std::string(what) + " has shape " + shape_of(tensor) + ", expected " +
                                to_string(expected));
}

at::Tensor LinearOperator::adjoint(const at::Tensor& y) const {
    check_shape(y, y_shape(), "y");
    return apply_adjoint(y);
}

}  // namespace operators
