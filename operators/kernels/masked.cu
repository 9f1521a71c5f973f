#include "operators/kernels/launch.h"
#include "operators/kernels/masked_launch.h"

namespace operators {
namespace {

constexpr int masked_threads = 256;

// Pixels along x of the grid, planes (image, channel) along y; the mask comes from the cache for all but one channel.
template <bool is_vector>
__global__ void __launch_bounds__(masked_threads)
    masked_kernel(float* __restrict__ out, const float* __restrict__ x, const float* __restrict__ mask, unsigned planes,
                  unsigned channels, std::int64_t pixels, bool has_own_masks) {
    constexpr int width = is_vector ? 4 : 1;
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x * width;
    for (unsigned plane = blockIdx.y; plane < planes; plane += gridDim.y) {
        const float* const plane_mask = mask + (has_own_masks ? plane / channels * pixels : 0);
        const float* const source = x + plane * pixels;
        float* const target = out + plane * pixels;
        for (std::int64_t i = (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * width; i < pixels;
             i += stride) {
            if constexpr (is_vector) {
                const float4 m = load_16(plane_mask + i);
                const float4 v = load_16(source + i);
                store_16(target + i, make_float4(m.x * v.x, m.y * v.y, m.z * v.z, m.w * v.w));
            } else {
                target[i] = plane_mask[i] * source[i];
            }
        }
    }
}

}  // namespace

cudaError_t launch_masked(float* out, const float* x, const float* mask, std::int64_t images, std::int64_t channels,
                          std::int64_t pixels, bool has_own_masks, cudaStream_t stream) {
    const std::int64_t planes = images * channels;
    if (planes == 0 || pixels == 0) return cudaSuccess;
    if (planes > 0x7FFFFFFF) return cudaErrorInvalidValue;
    const bool is_vector = pixels % 4 == 0 && is_aligned_16(out) && is_aligned_16(x) && is_aligned_16(mask);
    const dim3 grid(blocks_for(pixels / (is_vector ? 4 : 1), masked_threads, 65535), blocks_for(planes, 1, 65535));
    return launch(is_vector ? masked_kernel<true> : masked_kernel<false>, grid, dim3(masked_threads), 0, stream, out, x,
                  mask, static_cast<unsigned>(planes), static_cast<unsigned>(channels), pixels, has_own_masks);
}

}  // namespace operators
