#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

namespace pipeline {

/// Coefficients in device memory: the row of `table` [rows, 6] whose number stands at `row`.
struct UpdateTable {
    const double* table;
    const std::int64_t* row;
};

/// Device memory of `launch_ancestral_update`, `count` values each; variance_fraction and z may be null.
struct AncestralBuffers {
    const float* x_t;
    const float* epsilon;
    const float* variance_fraction;
    const float* z;
    float* x_previous;
    float* x0_hat;
};

// The formulas of sampler_updates.h on the GPU, 16 bytes at a time where all addresses are multiples of 16. Each
// returns what the launch said; the work itself is only queued on `stream`.

cudaError_t launch_ancestral_update(const AncestralBuffers& buffers, std::int64_t count, UpdateTable table, bool clip,
                                    cudaStream_t stream);

cudaError_t launch_clamp_vjp(float* out, const float* gradient, const float* x_t, const float* epsilon,
                             std::int64_t count, UpdateTable table, cudaStream_t stream);

cudaError_t launch_dps_update(float* out, const float* x_previous, const float* gradient, const float* network_vjp,
                              std::int64_t count, UpdateTable table, float zeta, cudaStream_t stream);

}  // namespace pipeline
