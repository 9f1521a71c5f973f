#include "pipeline/metrics/image_pair.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "operators/shape.h"

namespace pipeline {

void check_image_pair(std::string_view metric, const at::Tensor& restored, const at::Tensor& reference) {
    if (restored.dim() == 4 && restored.sizes() == reference.sizes() && restored.numel() > 0) return;
    throw std::invalid_argument(std::string(metric) + ": restored has shape " + operators::shape_of(restored) +
                                ", reference " + operators::shape_of(reference) +
                                ", expected [N, C, H, W] of both, the same and not empty");
}

at::Tensor unit_range(const at::Tensor& x) {
    return x.to(at::kDouble).add(1.0).div(2.0).clamp(0.0, 1.0);
}

std::vector<double> per_image(const at::Tensor& values, const at::Tensor& restored, const at::Tensor& reference) {
    const at::Tensor is_finite =
        at::isfinite(restored).flatten(1).all(1).logical_and(at::isfinite(reference).flatten(1).all(1));
    const at::Tensor result =
        at::where(is_finite, values.to(at::kDouble), std::numeric_limits<double>::quiet_NaN()).cpu().contiguous();
    const double* first = result.const_data_ptr<double>();
    return {first, first + result.numel()};
}

}  // namespace pipeline
