// What the emulator of tests/gpu/emulated promises: otherwise the tests of the kernels would prove little.

#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cuda_runtime_api.h>

namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Emulator, RunsEveryThreadOfEveryBlockOnce) {
    std::vector<int> runs(3 * 2 * 40);
    const cudaError_t status = emulated::launch(dim3(3, 2), dim3(20, 2), 0, nullptr, [&] {
        const unsigned block = blockIdx.y * gridDim.x + blockIdx.x;
        ++runs[block * 40 + threadIdx.y * blockDim.x + threadIdx.x];
    });
    EXPECT_EQ(status, cudaSuccess);
    EXPECT_THAT(runs, testing::Each(1));
}

TEST(Emulator, BarrierSeparatesWritesFromReads) {
    std::vector<unsigned> seen(64);
    emulated::launch(dim3(1), dim3(64), 64 * sizeof(unsigned), nullptr, [&] {
        auto* const shared = static_cast<unsigned*>(emulated::dynamic_shared_memory());
        shared[threadIdx.x] = 100 + threadIdx.x;
        __syncthreads();
        seen[threadIdx.x] = shared[63 - threadIdx.x];
    });
    for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(seen[i], 163 - i);
}

TEST(Emulator, ShufflesExchangeWithinAWarp) {
    std::vector<unsigned> by_xor(64), from_below(64);
    emulated::launch(dim3(1), dim3(64), 0, nullptr, [&] {
        by_xor[threadIdx.x] = __shfl_xor_sync(0xFFFFFFFFU, threadIdx.x, 16);
        from_below[threadIdx.x] = __shfl_down_sync(0xFFFFFFFFU, threadIdx.x, 1);
    });
    for (unsigned i = 0; i < 64; ++i) {
        EXPECT_EQ(by_xor[i], i ^ 16U);
        EXPECT_EQ(from_below[i], i % 32 == 31 ? i : i + 1);
    }
}

TEST(Emulator, RefusesWhatAGpuDoesNotForgive) {
    const auto with_64_threads = [](const auto& body) { emulated::launch(dim3(1), dim3(64), 16, nullptr, body); };
    EXPECT_THAT(([&] {
                    with_64_threads([] {
                        if (threadIdx.x < 40) __syncthreads();
                    });
                }),
                ThrowsMessage<std::logic_error>(HasSubstr("from thread 40 ended")));
    EXPECT_THAT(([&] {
                    with_64_threads([] {
                        if (threadIdx.x % 2 == 0) __shfl_xor_sync(0xFFFFFFFFU, 1, 2);
                    });
                }),
                ThrowsMessage<std::logic_error>(HasSubstr("not all threads reach alike")));
    EXPECT_THAT(([&] { with_64_threads([] { static_cast<float*>(emulated::dynamic_shared_memory())[4] = 1; }); }),
                ThrowsMessage<std::logic_error>(HasSubstr("beyond its dynamic shared memory")));
    EXPECT_EQ(emulated::launch(dim3(1), dim3(1025), 0, nullptr, [] {}), cudaErrorInvalidConfiguration);
    EXPECT_EQ(emulated::launch(dim3(1), dim3(32), 49 * 1024, nullptr, [] {}), cudaErrorInvalidConfiguration);
}

}  // namespace
