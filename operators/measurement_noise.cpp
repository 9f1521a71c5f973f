#include "operators/measurement_noise.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ne.h>

namespace operators {

Measurement measure(std::shared_ptr<const MeasurementOperator> A, const at::Tensor& x, double sigma_y,
                    const NoiseStream& noise, std::span<const std::uint64_t> images, bool noise_on_unobserved) {
    if (!(sigma_y >= 0) || !std::isfinite(sigma_y)) {
        throw std::invalid_argument("measure: sigma_y is " + std::to_string(sigma_y) + ", allowed is a number ≥ 0");
    }
    const at::NoGradGuard no_gradients;
    at::Tensor y = A->forward(x);
    if (y.size(0) != static_cast<std::int64_t>(images.size())) {
        throw std::invalid_argument("measure: x has shape " + shape_of(x) + ", expected one row for each of " +
                                    std::to_string(images.size()) + " images");
    }

    // The sum is a new tensor: A(x) may share memory with x.
    if (sigma_y > 0) {
        at::Tensor z = noise.normal({.purpose = Purpose::measurement}, images, A->y_shape(), x.device());
        if (const at::Tensor observed = A->observed(); !noise_on_unobserved && observed.defined()) z = z * observed;
        y = y + z * sigma_y;
    }
    return {std::move(y), std::move(A), sigma_y};
}

at::Tensor noisy_entries(const MeasurementOperator& A, std::int64_t batch, bool noise_on_unobserved) {
    const Shape& shape = A.y_shape();
    const at::Tensor observed = A.observed();
    if (noise_on_unobserved || !observed.defined()) return at::full({batch}, shape.count(), at::kLong);

    if (observed.size(0) != 1 && observed.size(0) != batch) {
        throw std::invalid_argument(A.name() + ": a batch of " + std::to_string(batch) + ", observed has shape " +
                                    shape_of(observed) + ", expected as many rows in both");
    }
    const at::Tensor is_observed = at::ne(observed, 0).expand({batch, shape.channels, shape.height, shape.width});
    return is_observed.sum({1, 2, 3}).to(at::kCPU);
}

}  // namespace operators
