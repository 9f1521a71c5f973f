#pragma once

#include <ATen/core/Tensor.h>

namespace pipeline {

// The arithmetic of a sampler's step in one pass over the images. The coefficients come from a table on the device, at
// a row that is read there, so that a captured CUDA graph takes another step when another number stands there.
//
// Everywhere: images float32, on the CPU also float64, all of one shape and on one device; `table` float64 [rows, 6] =
// (a, b, c₁, c₂, s₀, s₁) and `row` int64 without dimensions, both on that device. Coefficients are rounded to the
// images' type first. None can be differentiated. An argument that is not that throws std::invalid_argument; a row
// outside the table throws c10::Error on the CPU, a GPU does not look.

/// What `ancestral_update` gives.
struct AncestralUpdate {
    at::Tensor x_previous, x0_hat;
};

/// x̂₀ = a x_t − b ε, clamped to [−1, 1] where `clip`; x_{t−1} = c₁ x̂₀ + c₂ x_t + σ z with σ = exp(s₀ + s₁ v), or σ = s₀
/// without v. The operation diffinv::ancestral_update.
///
/// A row with σ = 0 (s₀ = −∞ with v, s₀ = 0 without) adds nothing, whatever z.
/// @param variance_fraction  v; may be undefined
/// @param z                  standard normals; may be undefined, then nothing is added
AncestralUpdate ancestral_update(const at::Tensor& x_t, const at::Tensor& epsilon, const at::Tensor& variance_fraction,
                                 const at::Tensor& z, const at::Tensor& table, const at::Tensor& row, bool clip);

/// The gradient with respect to a x_t − b ε from the one with respect to its clamped value: itself where |a x_t − b ε|
/// ≤ 1, else 0. The operation diffinv::clamp_vjp.
at::Tensor clamp_vjp(const at::Tensor& gradient, const at::Tensor& x_t, const at::Tensor& epsilon,
                     const at::Tensor& table, const at::Tensor& row);

/// x' − ζ (a g − b J_εᵀ g): a DDPM step x' pulled along the gradient of the residual's norm (Chung et al. 2023,
/// Algorithm 1), g with respect to x̂₀. The operation diffinv::dps_update.
/// @param network_vjp  J_ε(x_t)ᵀ g
at::Tensor dps_update(const at::Tensor& x_previous, const at::Tensor& gradient, const at::Tensor& network_vjp,
                      const at::Tensor& table, const at::Tensor& row, double zeta);

}  // namespace pipeline
