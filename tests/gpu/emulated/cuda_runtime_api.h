#pragma once

// Stands in for the CUDA toolkit's header of this name when .cu files are compiled as plain C++: the project's kernels
// then run on the CPU, thread by thread (emulated::launch in block.cpp). As much of CUDA as they use, no more.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>
#include <type_traits>

#define DIFFINV_EMULATED_CUDA 1

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
// Blocks run one after another, so that one copy serves all of them.
#define __shared__ static

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorInvalidConfiguration = 9 };
using cudaStream_t = void*;

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

inline float2 make_float2(float x, float y) {
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
    return {x, y, z, w};
}

// Of the thread that runs at the moment.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

namespace emulated {

/// Runs `body` once for every thread of every block, blocks in order, the threads of a block as fibers that wait for
/// one another at barriers and shuffles.
///
/// @return cudaErrorInvalidConfiguration for sizes that a GPU refuses
/// @throws std::logic_error  for what a GPU does not forgive: a barrier or a shuffle that not all threads reach or that
///                           they reach at different lines, writes beyond the dynamic shared memory, a failed check
cudaError_t launch(dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                   const std::function<void()>& body);

void* dynamic_shared_memory();

/// @throws std::logic_error  where a kernel's condition does not hold; from within the launch
void check(bool holds, const char* condition, const char* file, int line);

void barrier(const std::source_location& where);

/// The 32 bits that lane `source` of this thread's warp brought to the same shuffle.
std::uint32_t exchanged(std::uint32_t bits, unsigned source, const std::source_location& where);

unsigned lane();

template <class T>
T shuffled(T value, unsigned source, const std::source_location& where) {
    static_assert(sizeof(T) == 4 && std::is_trivially_copyable_v<T>);
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    bits = exchanged(bits, source, where);
    std::memcpy(&value, &bits, 4);
    return value;
}

}  // namespace emulated

inline void __syncthreads(const std::source_location& where = std::source_location::current()) {
    emulated::barrier(where);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  const std::source_location& where = std::source_location::current()) {
    emulated::check(mask == 0xFFFFFFFFU && width == 32, "whole warps take part in a shuffle", where.file_name(),
                    static_cast<int>(where.line()));
    return emulated::shuffled(value, emulated::lane() ^ static_cast<unsigned>(lane_mask), where);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   const std::source_location& where = std::source_location::current()) {
    emulated::check(mask == 0xFFFFFFFFU && width == 32, "whole warps take part in a shuffle", where.file_name(),
                    static_cast<int>(where.line()));
    const unsigned source = emulated::lane() + delta;
    return emulated::shuffled(value, source < 32 ? source : emulated::lane(), where);
}

inline float __expf(float x) {
    return std::exp(x);
}
inline float __fdividef(float x, float y) {
    return x / y;
}
inline float rsqrtf(float x) {
    return 1.0f / std::sqrt(x);
}
template <class T>
T __ldg(const T* pointer) {
    return *pointer;
}
