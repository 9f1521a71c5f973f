#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <cuda_runtime_api.h>

// What every .cu file needs around its kernels. The files are compiled by nvcc, and as plain C++ for the tests, where
// another <cuda_runtime_api.h> runs them on the CPU (tests/gpu/emulated; it defines DIFFINV_EMULATED_CUDA).
//
// The functions with __device__ are seen by nvcc and by the emulator alone: no .cpp of the program includes this.

#ifdef DIFFINV_EMULATED_CUDA
#define DIFFINV_KERNEL_CHECK(condition) emulated::check((condition), #condition, __FILE__, __LINE__)
#define DIFFINV_UNROLL(times)
#else
#define DIFFINV_KERNEL_CHECK(condition) static_cast<void>(0)
#define DIFFINV_PRAGMA(text) _Pragma(#text)
/// Before a loop: that many rounds at once, so that as many loads are under way.
#define DIFFINV_UNROLL(times) DIFFINV_PRAGMA(unroll times)
#endif

namespace operators {

/// kernel<<<grid, block, shared_bytes, stream>>>(arguments…), and what the launch said; the work is only queued.
template <class... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                   std::type_identity_t<Parameters>... arguments) {
#ifdef DIFFINV_EMULATED_CUDA
    return emulated::launch(grid, block, shared_bytes, stream, [=] { kernel(arguments...); });
#else
    // clang-format off
    kernel<<<grid, block, shared_bytes, stream>>>(arguments...);
    // clang-format on
    return cudaGetLastError();
#endif
}

/// The block's dynamic shared memory, aligned to 16 bytes.
template <class T>
__device__ inline T* dynamic_shared() {
#ifdef DIFFINV_EMULATED_CUDA
    return static_cast<T*>(emulated::dynamic_shared_memory());
#else
    extern __shared__ __align__(16) unsigned char dynamic_shared_bytes[];
    return reinterpret_cast<T*>(dynamic_shared_bytes);
#endif
}

/// True where 16 bytes can be read or written at once.
inline bool is_aligned_16(const void* pointer) {
    return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0;
}

/// 16 bytes from an address that is a multiple of 16.
__device__ inline float4 load_16(const float* source) {
    DIFFINV_KERNEL_CHECK(reinterpret_cast<std::uintptr_t>(source) % 16 == 0);
    return *reinterpret_cast<const float4*>(source);
}

__device__ inline uint4 load_16(const std::uint16_t* source) {
    DIFFINV_KERNEL_CHECK(reinterpret_cast<std::uintptr_t>(source) % 16 == 0);
    return *reinterpret_cast<const uint4*>(source);
}

/// 16 bytes to an address that is a multiple of 16.
__device__ inline void store_16(float* target, float4 values) {
    DIFFINV_KERNEL_CHECK(reinterpret_cast<std::uintptr_t>(target) % 16 == 0);
    *reinterpret_cast<float4*>(target) = values;
}

__device__ inline void store_16(std::uint16_t* target, uint4 values) {
    DIFFINV_KERNEL_CHECK(reinterpret_cast<std::uintptr_t>(target) % 16 == 0);
    *reinterpret_cast<uint4*>(target) = values;
}

/// Blocks of `threads` that cover `count` items, at most `limit`: kernels stride on from there.
inline unsigned blocks_for(std::int64_t count, std::int64_t threads, std::int64_t limit) {
    const std::int64_t wanted = (count + threads - 1) / threads;
    return static_cast<unsigned>(wanted < limit ? wanted : limit);
}

}  // namespace operators
