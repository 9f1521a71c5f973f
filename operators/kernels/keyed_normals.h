#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "operators/kernels/philox.h"

namespace operators {

/// A key as `keyed_normals` takes it: low | high << 32.
inline std::int64_t packed_key(PhiloxKey key) {
    return static_cast<std::int64_t>(key.low | static_cast<std::uint64_t>(key.high) << 32);
}

/// Standard normals [N, count], float32, on the device of the keys: row i is elements 0 … count−1 of the field of
/// (keys[i], level, inner), the bits that NoiseStream::normal gives.
///
/// The operation diffinv::keyed_normals. The level is read on the device, so that a captured CUDA graph draws anew for
/// every level that is written there.
/// @param keys   packed keys, int64 [N]
/// @param level  int64, no dimension, on the same device
/// @param inner  0 … 2³² − 1
/// @throws std::invalid_argument  where an argument is not that
at::Tensor keyed_normals(const at::Tensor& keys, std::int64_t count, const at::Tensor& level, std::int64_t inner);

}  // namespace operators
