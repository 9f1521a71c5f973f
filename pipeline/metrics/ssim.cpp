#include "pipeline/metrics/ssim.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <stdexcept>
#include <string>

#include "operators/shape.h"
#include "pipeline/metrics/image_pair.h"

namespace pipeline {

namespace {

constexpr int ssim_window = 11;
constexpr double ssim_sigma = 1.5;
constexpr double ssim_c1 = 0.01 * 0.01;  // (K₁ L)², L = 1 the range
constexpr double ssim_c2 = 0.03 * 0.03;  // (K₂ L)²

/// The window along one axis, [1, 1, 11, 1], of sum 1.
at::Tensor ssim_weights(const at::TensorOptions& options) {
    at::Tensor weights = at::empty({ssim_window}, at::kDouble);
    double* values = weights.mutable_data_ptr<double>();
    for (int i = 0; i < ssim_window; ++i) {
        const double distance = (i - ssim_window / 2) / ssim_sigma;
        values[i] = std::exp(-0.5 * distance * distance);
    }
    weights.div_(weights.sum());
    return weights.to(options).view({1, 1, ssim_window, 1});
}

/// Weighted mean of every window that lies inside the image. x [M, 1, H, W] → [M, 1, H − 10, W − 10].
at::Tensor windowed_mean(const at::Tensor& x, const at::Tensor& weights) {
    return at::conv2d(at::conv2d(x, weights), weights.transpose(2, 3));
}

}  // namespace

std::vector<double> ssim(const at::Tensor& restored, const at::Tensor& reference) {
    check_image_pair("ssim", restored, reference);
    if (restored.size(2) < ssim_window || restored.size(3) < ssim_window) {
        throw std::invalid_argument("ssim: images have shape " + operators::shape_of(restored) +
                                    ", expected sides of at least " + std::to_string(ssim_window));
    }
    const c10::NoGradGuard no_gradient;

    // Every channel is an image of its own
    const at::Tensor x = unit_range(restored).flatten(0, 1).unsqueeze(1);
    const at::Tensor y = unit_range(reference).flatten(0, 1).unsqueeze(1);
    const at::Tensor moments = windowed_mean(at::cat({x, y, x * x, y * y, x * y}), ssim_weights(x.options()));
    const auto moment = moments.chunk(5);
    const at::Tensor &mean_x = moment[0], &mean_y = moment[1];

    // Variances and covariance of each window's population
    const at::Tensor variance_x = moment[2] - mean_x * mean_x;
    const at::Tensor variance_y = moment[3] - mean_y * mean_y;
    const at::Tensor covariance = moment[4] - mean_x * mean_y;

    // SSIM = (2 μ_x μ_y + C₁)(2 σ_xy + C₂) / ((μ_x² + μ_y² + C₁)(σ_x² + σ_y² + C₂))
    const at::Tensor map = (2 * mean_x * mean_y + ssim_c1) * (2 * covariance + ssim_c2) /
                           ((mean_x * mean_x + mean_y * mean_y + ssim_c1) * (variance_x + variance_y + ssim_c2));
    return per_image(map.view({restored.size(0), -1}).mean(1), restored, reference);
}

}  // namespace pipeline
