#pragma once

#include <ATen/core/Tensor.h>

#include "pipeline/diffusion/noise_schedule.h"

namespace pipeline {

/// x_t = √ᾱ_t x₀ + √(1−ᾱ_t) z: an image noised to step `step` of the chain (Ho et al. 2020, eq. 4).
///
/// @param x_0  [N, C, H, W] in [−1, 1]
/// @param z    standard normals, shape and dtype of x_0
at::Tensor noised(const NoiseSchedule& schedule, int step, const at::Tensor& x_0, const at::Tensor& z);

/// x̂₀ = √(1/ᾱ_t) x_t − √(1/ᾱ_t − 1) ε: the clean image that x_t and a prediction of its noise stand for, not clamped
/// (Ho et al. 2020, eq. 15).
at::Tensor clean_estimate(const NoiseSchedule& schedule, int step, const at::Tensor& x_t, const at::Tensor& epsilon);

/// The two factors of `clean_estimate`, for those who need its derivative: x̂₀ = x_t_factor x_t − epsilon_factor ε.
struct CleanEstimateFactors {
    double x_t = 1;      ///< √(1/ᾱ_t)
    double epsilon = 0;  ///< √(1/ᾱ_t − 1)
};
CleanEstimateFactors clean_estimate_factors(const NoiseSchedule& schedule, int step);

}  // namespace pipeline
