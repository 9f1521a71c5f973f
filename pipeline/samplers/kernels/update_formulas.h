#pragma once

#include <cmath>

#include "operators/kernels/host_device.h"

namespace pipeline {

// What one element of a sampler's update is, for the processor and for the GPU. Products and sums are not fused
// (-ffp-contract=off, --fmad=false), so that both give the same bits; exp is each one's own.

/// One row of the table of coefficients, rounded to the images' type first, as LibTorch rounds its scalars.
template <class T>
struct UpdateRow {
    T a, b, c1, c2, s0, s1;

    DIFFINV_HOST_DEVICE explicit UpdateRow(const double* row)
        : a(static_cast<T>(row[0])),
          b(static_cast<T>(row[1])),
          c1(static_cast<T>(row[2])),
          c2(static_cast<T>(row[3])),
          s0(static_cast<T>(row[4])),
          s1(static_cast<T>(row[5])) {}

    /// True where σ is 0 whatever v: then nothing is added, whatever z.
    DIFFINV_HOST_DEVICE bool is_without_noise(bool has_v) const {
        return has_v ? s0 == static_cast<T>(-INFINITY) : s0 == 0;
    }
};

/// What an ancestral update gives for one element.
template <class T>
struct UpdatedElement {
    T x_previous, x0_hat;
};

/// x̂₀ = a x_t − b ε.
template <class T>
DIFFINV_HOST_DEVICE inline T estimated_element(const UpdateRow<T>& row, T x_t, T epsilon) {
    return row.a * x_t - row.b * epsilon;
}

/// x_{t−1} = c₁ x̂₀ + c₂ x_t, and σ z where `is_noisy`; σ = exp(s₀ + s₁ v) or, without v, s₀.
template <class T>
DIFFINV_HOST_DEVICE inline UpdatedElement<T> updated_element(const UpdateRow<T>& row, T x_t, T epsilon, bool clip,
                                                             bool is_noisy, bool has_v, T v, T z) {
    T x0_hat = estimated_element(row, x_t, epsilon);
    if (clip) x0_hat = x0_hat < T(-1) ? T(-1) : (x0_hat > T(1) ? T(1) : x0_hat);
    T x_previous = row.c1 * x0_hat + row.c2 * x_t;
    if (is_noisy) {
        const T sigma = has_v ? std::exp(row.s0 + row.s1 * v) : row.s0;
        x_previous = x_previous + sigma * z;
    }
    return {x_previous, x0_hat};
}

/// The gradient through the clamp, which passes it up to its bounds, bounds included.
template <class T>
DIFFINV_HOST_DEVICE inline T clamped_gradient(const UpdateRow<T>& row, T gradient, T x_t, T epsilon) {
    const T x0_hat = estimated_element(row, x_t, epsilon);
    return x0_hat >= T(-1) && x0_hat <= T(1) ? gradient : T(0);
}

/// x' − ζ (a g − b J_εᵀ g).
template <class T>
DIFFINV_HOST_DEVICE inline T guided_element(const UpdateRow<T>& row, T x_previous, T gradient, T network_vjp, T zeta) {
    return x_previous - zeta * (row.a * gradient - row.b * network_vjp);
}

}  // namespace pipeline
