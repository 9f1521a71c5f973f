#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include "operators/kernels/philox.h"

namespace operators {

/// Fills `out` [rows, count] with standard normals on the GPU: row i is elements 0 … count−1 of the field of (keys[i],
/// level, inner), with the bits that NoiseStream::normal gives on the CPU.
///
/// @param out, keys  device memory; keys holds `rows` of them
/// @return what the launch said; the work itself is only queued on `stream`
cudaError_t launch_philox_normals(float* out, const PhiloxKey* keys, std::int64_t rows, std::int64_t count,
                                  std::uint32_t level, std::uint32_t inner, cudaStream_t stream);

}  // namespace operators
