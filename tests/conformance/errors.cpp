#include "tests/conformance/errors.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <limits>
#include <stdexcept>
#include <string>

#include "operators/shape.h"

namespace conformance {

namespace {

void check_same_shape(const at::Tensor& actual, const at::Tensor& expected) {
    if (actual.sizes() == expected.sizes()) return;
    throw std::runtime_error("computed shape " + operators::shape_of(actual) + ", stored shape " +
                             operators::shape_of(expected));
}

/// a − e in double, 0 where both are the same infinity.
at::Tensor difference(const at::Tensor& actual, const at::Tensor& expected) {
    check_same_shape(actual, expected);
    const at::Tensor a = actual.detach().to(at::kDouble);
    const at::Tensor e = expected.to(at::kDouble);
    return at::where(a == e, at::zeros_like(a), a - e);
}

double largest(const at::Tensor& errors) {
    if (errors.numel() == 0) return 0;
    if (errors.isnan().any().item<bool>()) return std::numeric_limits<double>::infinity();
    return errors.max().item<double>();
}

/// d/e, 0 where d is.
at::Tensor relative(const at::Tensor& d, const at::Tensor& e) {
    return at::where(d == 0, at::zeros_like(d), d / e);
}

}  // namespace

double largest_difference(const at::Tensor& actual, const at::Tensor& expected) {
    return largest(difference(actual, expected).abs());
}

double largest_relative_difference(const at::Tensor& actual, const at::Tensor& expected) {
    return largest(relative(difference(actual, expected).abs(), expected.to(at::kDouble).abs()));
}

double worst_row_distance(const at::Tensor& actual, const at::Tensor& expected) {
    const auto row_norms = [](const at::Tensor& x) {
        return at::linalg_vector_norm(x.flatten(1), 2, at::IntArrayRef{1}, /*keepdim=*/false, at::kDouble);
    };
    return largest(relative(row_norms(difference(actual, expected)), row_norms(expected.to(at::kDouble))));
}

double differing_entries(const at::Tensor& actual, const at::Tensor& expected) {
    check_same_shape(actual, expected);
    return (actual != expected).sum().item<double>();
}

}  // namespace conformance
