#include "operators/noise_estimate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones_like.h>

#include <algorithm>
#include <limits>

namespace operators {
namespace {

/// Median of |z|, z ~ N(0, 1).
constexpr double median_of_absolute_normal = 0.674489750196082;

/// The four corners of all 2 × 2 blocks: rows and columns from `row` and `column` on.
at::Tensor corner(const at::Tensor& x, std::int64_t row, std::int64_t column) {
    return x.narrow(2, row, x.size(2) - 1).narrow(3, column, x.size(3) - 1);
}

/// The median, inside the class of equal values that it falls into: levels leave few different ones. A class reaches
/// half way to its neighbours, and from 0 on where it is the lowest.
double interpolated_median(const at::Tensor& values) {
    // 16-bit levels give values 1.5e-5 apart; rounding is far smaller.
    constexpr double as_good_as_equal = 5e-6;
    const double median = values.median().item<double>();
    const at::Tensor is_below = values<median - as_good_as_equal, is_above = values> median + as_good_as_equal;
    const auto count = static_cast<double>(values.numel());
    const double below = is_below.sum().item<double>(), above = is_above.sum().item<double>();
    const double low = below > 0 ? (median + values.masked_select(is_below).max().item<double>()) / 2 : 0;
    const double high = above > 0 ? (median + values.masked_select(is_above).min().item<double>()) / 2 : median;
    return low + (high - low) * (count / 2 - below) / (count - below - above);
}

}  // namespace

std::vector<double> estimated_sigma(const at::Tensor& y, const at::Tensor& observed) {
    std::vector<double> sigma(static_cast<std::size_t>(y.size(0)), std::numeric_limits<double>::quiet_NaN());
    if (y.size(2) < 2 || y.size(3) < 2) return sigma;
    const at::Tensor x = y.to(at::kDouble);
    const at::Tensor detail = (corner(x, 0, 0) - corner(x, 0, 1) - corner(x, 1, 0) + corner(x, 1, 1)).div_(2).abs_();
    at::Tensor is_whole = at::ones_like(detail).to(at::kBool);
    if (observed.defined()) {
        const at::Tensor is_observed = (observed != 0).expand_as(y);
        is_whole = corner(is_observed, 0, 0)
                       .logical_and(corner(is_observed, 0, 1))
                       .logical_and(corner(is_observed, 1, 0))
                       .logical_and(corner(is_observed, 1, 1));
    }
    for (std::int64_t image = 0; image < y.size(0); ++image) {
        const at::Tensor values = detail[image].masked_select(is_whole[image]);
        if (values.numel() < fewest_estimating_blocks) continue;
        sigma[static_cast<std::size_t>(image)] =
            std::max(smallest_estimated_sigma, interpolated_median(values) / median_of_absolute_normal);
    }
    return sigma;
}

}  // namespace operators
