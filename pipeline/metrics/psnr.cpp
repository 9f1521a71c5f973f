#include "pipeline/metrics/psnr.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/log10.h>
#include <c10/core/GradMode.h>

#include <limits>

#include "pipeline/metrics/image_pair.h"

namespace pipeline {

std::vector<double> psnr(const at::Tensor& restored, const at::Tensor& reference) {
    check_image_pair("psnr", restored, reference);
    const c10::NoGradGuard no_gradient;
    const at::Tensor mse = (unit_range(restored) - unit_range(reference)).square_().flatten(1).mean(1);
    return per_image(mse.log10().mul(-10.0), restored, reference);
}

std::vector<double> psnr_unobserved(const at::Tensor& restored, const at::Tensor& reference,
                                    const at::Tensor& observed) {
    check_image_pair("psnr_unobserved", restored, reference);
    const auto rows = static_cast<std::size_t>(restored.size(0));
    if (!observed.defined()) return std::vector<double>(rows, std::numeric_limits<double>::quiet_NaN());
    const c10::NoGradGuard no_gradient;
    const at::Tensor removed = at::eq(observed, 0).expand_as(restored).to(at::kDouble).flatten(1);
    const at::Tensor square = (unit_range(restored) - unit_range(reference)).square_().flatten(1);
    // 0/0, where nothing was removed, is NaN
    const at::Tensor mse = (square * removed).sum(1) / removed.sum(1);
    return per_image(mse.log10().mul(-10.0), restored, reference);
}

}  // namespace pipeline
