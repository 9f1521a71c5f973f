#include "pipeline/metrics/psnr.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log10.h>
#include <c10/core/GradMode.h>

#include "pipeline/metrics/image_pair.h"

namespace pipeline {

std::vector<double> psnr(const at::Tensor& restored, const at::Tensor& reference) {
    check_image_pair("psnr", restored, reference);
    const c10::NoGradGuard no_gradient;
    const at::Tensor mse = (unit_range(restored) - unit_range(reference)).square_().flatten(1).mean(1);
    return per_image(mse.log10().mul(-10.0), restored, reference);
}

}  // namespace pipeline
