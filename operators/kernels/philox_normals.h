#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

namespace operators {

/// Fills `out` [rows, count] with standard normals on the GPU: row i is elements 0 … count−1 of the field of (keys[i],
/// *level, inner), with the bits that NoiseStream::normal gives on the CPU.
///
/// Rows that begin at a multiple of 16 bytes are written 16 bytes at a time.
/// @param out, keys, level  device memory; `rows` keys, each low | high << 32, and one level
/// @return what the launch said; the work itself is only queued on `stream`
cudaError_t launch_philox_normals(float* out, const std::int64_t* keys, std::int64_t rows, std::int64_t count,
                                  const std::int64_t* level, std::uint32_t inner, cudaStream_t stream);

}  // namespace operators
