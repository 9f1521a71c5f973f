#include "operators/kernels/philox_normals.h"

namespace operators {
namespace {

constexpr int threads_per_group = 256;

// One thread makes one block of four normals, then strides on.
__global__ void philox_normals_kernel(float* out, const PhiloxKey* keys, std::int64_t rows, std::int64_t count,
                                      std::uint32_t level, std::uint32_t inner) {
    const std::int64_t blocks = (count + 3) / 4;
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
    for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < rows * blocks;
         i += stride) {
        const std::int64_t row = i / blocks;
        const std::int64_t block = i - row * blocks;
        const PhiloxBlock bits = field_block(keys[row], static_cast<std::uint64_t>(block), level, inner);
        const NormalPair low = normal_pair(bits.word[0], bits.word[1]);
        const NormalPair high = normal_pair(bits.word[2], bits.word[3]);

        // The last block of a row may reach past its end; rows need not start at a multiple of 16 bytes.
        const float lanes[4] = {low.first, low.second, high.first, high.second};
        float* const target = out + row * count + 4 * block;
        const std::int64_t left = count - 4 * block;
        for (int lane = 0; lane < 4; ++lane) {
            if (lane < left) target[lane] = lanes[lane];
        }
    }
}

}  // namespace

cudaError_t launch_philox_normals(float* out, const PhiloxKey* keys, std::int64_t rows, std::int64_t count,
                                  std::uint32_t level, std::uint32_t inner, cudaStream_t stream) {
    const std::int64_t total = rows * ((count + 3) / 4);
    if (total == 0) return cudaSuccess;
    const std::int64_t wanted = (total + threads_per_group - 1) / threads_per_group;
    const auto groups = static_cast<unsigned>(wanted < 65535 ? wanted : 65535);
    philox_normals_kernel<<<groups, threads_per_group, 0, stream>>>(out, keys, rows, count, level, inner);
    return cudaGetLastError();
}

}  // namespace operators
