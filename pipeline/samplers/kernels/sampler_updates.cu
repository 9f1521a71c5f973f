#include "operators/kernels/launch.h"
#include "pipeline/samplers/kernels/sampler_updates_launch.h"
#include "pipeline/samplers/kernels/update_formulas.h"

namespace pipeline {
namespace {

using operators::load_16;
using operators::store_16;

constexpr int update_threads = 256;

__device__ inline UpdateRow<float> row_of(UpdateTable table) {
    return UpdateRow<float>(table.table + 6 * *table.row);
}

// Calls on_four(i) for the first `vectors` times four elements and on_one(i) for the rest, thread beside thread.
template <class OnFour, class OnOne>
__device__ inline void for_each_element(std::int64_t count, std::int64_t vectors, const OnFour& on_four,
                                        const OnOne& on_one) {
    const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * update_threads + threadIdx.x;
    const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * update_threads;
    for (std::int64_t i = thread; i < vectors; i += stride) on_four(4 * i);
    for (std::int64_t i = 4 * vectors + thread; i < count; i += stride) on_one(i);
}

template <bool has_v, bool has_z>
__global__ void __launch_bounds__(update_threads)
    ancestral_update_kernel(AncestralBuffers buffers, std::int64_t count, std::int64_t vectors, UpdateTable table,
                            bool clip) {
    const UpdateRow<float> row = row_of(table);
    const bool is_noisy = has_z && !row.is_without_noise(has_v);
    const auto updated = [&](float x_t, float epsilon, float v, float z) {
        return updated_element(row, x_t, epsilon, clip, is_noisy, has_v, v, z);
    };
    const auto on_four = [&](std::int64_t i) {
        const float4 x_t = load_16(buffers.x_t + i);
        const float4 epsilon = load_16(buffers.epsilon + i);
        float4 v = make_float4(0, 0, 0, 0);
        float4 z = v;
        if constexpr (has_v) v = load_16(buffers.variance_fraction + i);
        if constexpr (has_z) z = load_16(buffers.z + i);
        const UpdatedElement<float> first = updated(x_t.x, epsilon.x, v.x, z.x);
        const UpdatedElement<float> second = updated(x_t.y, epsilon.y, v.y, z.y);
        const UpdatedElement<float> third = updated(x_t.z, epsilon.z, v.z, z.z);
        const UpdatedElement<float> fourth = updated(x_t.w, epsilon.w, v.w, z.w);
        store_16(buffers.x_previous + i,
                 make_float4(first.x_previous, second.x_previous, third.x_previous, fourth.x_previous));
        store_16(buffers.x0_hat + i, make_float4(first.x0_hat, second.x0_hat, third.x0_hat, fourth.x0_hat));
    };
    const auto on_one = [&](std::int64_t i) {
        const UpdatedElement<float> one = updated(buffers.x_t[i], buffers.epsilon[i],
                                                  has_v ? buffers.variance_fraction[i] : 0, has_z ? buffers.z[i] : 0);
        buffers.x_previous[i] = one.x_previous;
        buffers.x0_hat[i] = one.x0_hat;
    };
    for_each_element(count, vectors, on_four, on_one);
}

// out[i] = f(row, first[i], second[i], third[i]): the updates of three images.
template <class Formula>
__device__ inline void update_three(float* __restrict__ out, const float* __restrict__ first,
                                    const float* __restrict__ second, const float* __restrict__ third,
                                    std::int64_t count, std::int64_t vectors, const Formula& f) {
    const auto on_four = [&](std::int64_t i) {
        const float4 a = load_16(first + i);
        const float4 b = load_16(second + i);
        const float4 c = load_16(third + i);
        store_16(out + i, make_float4(f(a.x, b.x, c.x), f(a.y, b.y, c.y), f(a.z, b.z, c.z), f(a.w, b.w, c.w)));
    };
    for_each_element(count, vectors, on_four, [&](std::int64_t i) { out[i] = f(first[i], second[i], third[i]); });
}

__global__ void __launch_bounds__(update_threads)
    clamp_vjp_kernel(float* __restrict__ out, const float* __restrict__ gradient, const float* __restrict__ x_t,
                     const float* __restrict__ epsilon, std::int64_t count, std::int64_t vectors, UpdateTable table) {
    const UpdateRow<float> row = row_of(table);
    update_three(out, gradient, x_t, epsilon, count, vectors,
                 [&](float g, float x, float e) { return clamped_gradient(row, g, x, e); });
}

__global__ void __launch_bounds__(update_threads)
    dps_update_kernel(float* __restrict__ out, const float* __restrict__ x_previous, const float* __restrict__ gradient,
                      const float* __restrict__ network_vjp, std::int64_t count, std::int64_t vectors,
                      UpdateTable table, float zeta) {
    const UpdateRow<float> row = row_of(table);
    update_three(out, x_previous, gradient, network_vjp, count, vectors,
                 [&](float x, float g, float n) { return guided_element(row, x, g, n, zeta); });
}

template <class... Pointers>
std::int64_t vectors_of(std::int64_t count, Pointers... pointers) {
    return (operators::is_aligned_16(pointers) && ...) ? count / 4 : 0;
}

dim3 grid_for(std::int64_t count, std::int64_t vectors) {
    return dim3(operators::blocks_for(vectors > 0 ? vectors : count, update_threads, 65535));
}

}  // namespace

cudaError_t launch_ancestral_update(const AncestralBuffers& buffers, std::int64_t count, UpdateTable table, bool clip,
                                    cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    const std::int64_t vectors = vectors_of(count, buffers.x_t, buffers.epsilon, buffers.variance_fraction, buffers.z,
                                            buffers.x_previous, buffers.x0_hat);
    const bool has_v = buffers.variance_fraction != nullptr;
    const bool has_z = buffers.z != nullptr;
    auto* const kernel = has_v ? (has_z ? ancestral_update_kernel<true, true> : ancestral_update_kernel<true, false>)
                               : (has_z ? ancestral_update_kernel<false, true> : ancestral_update_kernel<false, false>);
    return operators::launch(kernel, grid_for(count, vectors), dim3(update_threads), 0, stream, buffers, count, vectors,
                             table, clip);
}

cudaError_t launch_clamp_vjp(float* out, const float* gradient, const float* x_t, const float* epsilon,
                             std::int64_t count, UpdateTable table, cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    const std::int64_t vectors = vectors_of(count, out, gradient, x_t, epsilon);
    return operators::launch(clamp_vjp_kernel, grid_for(count, vectors), dim3(update_threads), 0, stream, out, gradient,
                             x_t, epsilon, count, vectors, table);
}

cudaError_t launch_dps_update(float* out, const float* x_previous, const float* gradient, const float* network_vjp,
                              std::int64_t count, UpdateTable table, float zeta, cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    const std::int64_t vectors = vectors_of(count, out, x_previous, gradient, network_vjp);
    return operators::launch(dps_update_kernel, grid_for(count, vectors), dim3(update_threads), 0, stream, out,
                             x_previous, gradient, network_vjp, count, vectors, table, zeta);
}

}  // namespace pipeline
