#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

#include "operators/kernels/mirrored_dot.h"

namespace operators {

/// One pass of `mirrored_blur` on the GPU: every line along the middle axis of x [outer, length, inner], dense,
/// at most 2³¹ − 1 values.
///
/// @param taps  device memory; ⌊count/2⌋ < length
/// @return what the launch said; the work itself is only queued on `stream`
cudaError_t launch_mirrored_lines(float* out, const float* x, TapLine<float> taps, std::int64_t outer,
                                  std::int64_t length, std::int64_t inner, bool is_adjoint, cudaStream_t stream);

}  // namespace operators
