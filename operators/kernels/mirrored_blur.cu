#include "operators/kernels/launch.h"
#include "operators/kernels/mirrored_blur_launch.h"

namespace operators {
namespace {

constexpr int blur_threads = 256;
constexpr int taps_at_once = 1024;

// One thread makes one pixel at a time, neighbours in memory beside each other, so that a warp's reads are whole lines
// along either axis; what neighbours share comes from the first-level cache. The taps are copied to shared memory where
// they fit.
template <bool is_adjoint>
__global__ void __launch_bounds__(blur_threads)
    mirrored_lines_kernel(float* __restrict__ out, const float* __restrict__ x, TapLine<float> taps,
                          std::uint32_t total, std::uint32_t length, std::uint32_t inner) {
    __shared__ float shared_taps[taps_at_once];
    if (taps.count <= taps_at_once) {
        for (std::int64_t a = threadIdx.x; a < taps.count; a += blur_threads) shared_taps[a] = taps.first[a];
        __syncthreads();
        taps.first = shared_taps;
    }
    const std::uint32_t stride = gridDim.x * blur_threads;
    for (std::uint32_t p = blockIdx.x * blur_threads + threadIdx.x; p < total; p += stride) {
        const std::uint32_t i = p / inner % length;
        const PixelLine<float> line{x + (p - i * inner), inner, length};
        out[p] = mirrored_dot(line, taps, i, is_adjoint);
    }
}

}  // namespace

cudaError_t launch_mirrored_lines(float* out, const float* x, TapLine<float> taps, std::int64_t outer,
                                  std::int64_t length, std::int64_t inner, bool is_adjoint, cudaStream_t stream) {
    const std::int64_t total = outer * length * inner;
    if (total == 0) return cudaSuccess;
    // Indices of 32 bits, which are divided much faster than those of 64.
    if (total > 0x7FFFFFFF) return cudaErrorInvalidValue;
    return launch(is_adjoint ? mirrored_lines_kernel<true> : mirrored_lines_kernel<false>,
                  dim3(blocks_for(total, blur_threads, 65535)), dim3(blur_threads), 0, stream, out, x, taps,
                  static_cast<std::uint32_t>(total), static_cast<std::uint32_t>(length),
                  static_cast<std::uint32_t>(inner));
}

}  // namespace operators
