#include "operators/kernels/philox_normals.h"

#include "operators/kernels/launch.h"
#include "operators/kernels/philox.h"

namespace operators {
namespace {

constexpr int normals_threads = 256;

// One thread makes one block of four normals, then strides on: blocks of a row along x, rows along y.
__global__ void __launch_bounds__(normals_threads)
    philox_normals_kernel(float* __restrict__ out, const std::int64_t* __restrict__ keys, std::int64_t rows,
                          std::int64_t count, const std::int64_t* __restrict__ level, std::uint32_t inner) {
    const std::int64_t blocks = (count + 3) / 4;
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
    const auto field_level = static_cast<std::uint32_t>(*level);
    for (std::int64_t row = blockIdx.y; row < rows; row += gridDim.y) {
        const auto packed = static_cast<std::uint64_t>(keys[row]);
        const PhiloxKey key{static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
        float* const row_out = out + row * count;
        const bool is_aligned = reinterpret_cast<std::uintptr_t>(row_out) % 16 == 0;
        for (std::int64_t block = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; block < blocks;
             block += stride) {
            const PhiloxBlock bits = field_block(key, static_cast<std::uint64_t>(block), field_level, inner);
            const NormalPair low = normal_pair(bits.word[0], bits.word[1]);
            const NormalPair high = normal_pair(bits.word[2], bits.word[3]);

            // The last block of a row may reach past its end.
            float* const target = row_out + 4 * block;
            const std::int64_t left = count - 4 * block;
            if (is_aligned && left >= 4) {
                store_16(target, make_float4(low.first, low.second, high.first, high.second));
                continue;
            }
            target[0] = low.first;
            if (left > 1) target[1] = low.second;
            if (left > 2) target[2] = high.first;
            if (left > 3) target[3] = high.second;
        }
    }
}

}  // namespace

cudaError_t launch_philox_normals(float* out, const std::int64_t* keys, std::int64_t rows, std::int64_t count,
                                  const std::int64_t* level, std::uint32_t inner, cudaStream_t stream) {
    if (rows == 0 || count == 0) return cudaSuccess;
    const dim3 grid(blocks_for((count + 3) / 4, normals_threads, 65535), blocks_for(rows, 1, 65535));
    return launch(philox_normals_kernel, grid, dim3(normals_threads), 0, stream, out, keys, rows, count, level, inner);
}

}  // namespace operators
