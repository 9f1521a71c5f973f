#include "operators/cropped.h"

#include <stdexcept>
#include <utility>

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>

namespace operators {
namespace {

/// Pixel that place i of a mirrored row of `length` shows: 0 1 2 1 0 1 2 … for 3.
std::int64_t mirrored_place(std::int64_t i, std::int64_t length) {
    if (length == 1) return 0;
    const std::int64_t period = 2 * (length - 1), at = i % period;
    return at < length ? at : period - at;
}

at::Tensor continued_along(const at::Tensor& x, std::int64_t axis, std::int64_t length) {
    if (x.size(axis) == length) return x;
    const at::Tensor places = at::empty({length}, at::TensorOptions().dtype(at::kLong));
    for (std::int64_t i = 0; i < length; ++i) {
        places.mutable_data_ptr<std::int64_t>()[i] = mirrored_place(i, x.size(axis));
    }
    return x.index_select(axis, places.to(x.device()));
}

}  // namespace

Cropped::Cropped(std::shared_ptr<const MeasurementOperator> A, const Shape& padded)
    : MeasurementOperator(A->name(), padded, A->y_shape()), A_(std::move(A)) {
    const Shape& inner = A_->x_shape();
    if (padded.channels != inner.channels || padded.height < inner.height || padded.width < inner.width) {
        throw std::invalid_argument(name() + ": images of " + to_string(inner) + " cannot be part of " +
                                    to_string(padded));
    }
}

at::Tensor Cropped::cropped(const at::Tensor& x) const {
    return x.narrow(2, 0, A_->x_shape().height).narrow(3, 0, A_->x_shape().width).contiguous();
}

at::Tensor Cropped::apply_forward(const at::Tensor& x) const {
    return A_->forward(cropped(x));
}

at::Tensor Cropped::apply_vjp(const at::Tensor& x, const at::Tensor& v) const {
    const at::Tensor inner = A_->vjp(cropped(x), v);
    return at::constant_pad_nd(inner, {0, x.size(3) - inner.size(3), 0, x.size(2) - inner.size(2)});
}

at::Tensor Cropped::as_image(const at::Tensor& y) const {
    return continued_by_mirror(A_->as_image(y), x_shape().height, x_shape().width);
}

at::Tensor continued_by_mirror(const at::Tensor& x, std::int64_t height, std::int64_t width) {
    return continued_along(continued_along(x, 2, height), 3, width);
}

}  // namespace operators
