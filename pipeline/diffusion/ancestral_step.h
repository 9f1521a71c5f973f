#pragma once

#include <ATen/core/Tensor.h>

#include "pipeline/diffusion/noise_schedule.h"

namespace pipeline {

/// One ancestral step in posterior-mean form, x_{t−1} = c₁ x̂₀ + c₂ x_t + σ_t z (Ho et al. 2020, eq. 7).
///
/// This form holds when x̂₀ was clamped; the form with ε alone does not. At step 0 nothing is added and z is not looked
/// at.
/// @param x0_hat             [N, C, H, W], clamped where the run clips
/// @param variance_fraction  v, shape of x_t; looked at for `learned_range` alone
/// @param z                  standard normals, shape and dtype of x_t; may be undefined at step 0
/// @throws std::invalid_argument  if `learned_range` is asked for and there is no v
at::Tensor ancestral_step(const NoiseSchedule& schedule, int step, VarianceKind variance, const at::Tensor& x_t,
                          const at::Tensor& x0_hat, const at::Tensor& variance_fraction, const at::Tensor& z);

}  // namespace pipeline
