#include "pipeline/diffusion/forward_process.h"

#include <ATen/ops/mul.h>

#include <cmath>

namespace pipeline {

at::Tensor noised(const NoiseSchedule& schedule, int step, const at::Tensor& x_0, const at::Tensor& z) {
    const double alpha_bar = schedule.alpha_bar(step);
    return at::mul(x_0, std::sqrt(alpha_bar)).add_(z, std::sqrt(1.0 - alpha_bar));
}

CleanEstimateFactors clean_estimate_factors(const NoiseSchedule& schedule, int step) {
    const double inverse = 1.0 / schedule.alpha_bar(step);
    return {.x_t = std::sqrt(inverse), .epsilon = std::sqrt(inverse - 1.0)};
}

at::Tensor clean_estimate(const NoiseSchedule& schedule, int step, const at::Tensor& x_t, const at::Tensor& epsilon) {
    const CleanEstimateFactors factor = clean_estimate_factors(schedule, step);
    return at::mul(x_t, factor.x_t).sub_(epsilon, factor.epsilon);
}

}  // namespace pipeline
