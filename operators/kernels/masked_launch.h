#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

namespace operators {

/// out = m ⊙ x on the GPU: x and out [images, channels, pixels], mask [1 or images, pixels], all dense.
///
/// @return what the launch said; the work itself is only queued on `stream`
cudaError_t launch_masked(float* out, const float* x, const float* mask, std::int64_t images, std::int64_t channels,
                          std::int64_t pixels, bool has_own_masks, cudaStream_t stream);

}  // namespace operators
