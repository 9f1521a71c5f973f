#include "pipeline/networks/kernels/group_norm_block.h"

namespace pipeline {
namespace {

using operators::dynamic_shared;
using operators::load_16;
using operators::store_16;

// d SiLU(z)/dz = s (1 + z (1 − s)) with s = 1/(1 + e^(−z)).
__device__ inline float silu_slope(float z) {
    const float s = __fdividef(1.0f, 1.0f + __expf(-z));
    return s * (1.0f + z * (1.0f - s));
}

// What a thread knows of its channels: z = (x − μ) a + b with a = w rstd. With g = a SiLU'(z) gradient the derivative
// is dx = g − mean(g) − (x − μ) rstd² mean(g (x − μ)), so that only Σ g and Σ g (x − μ) are needed of each group.
template <class Image, int unit>
struct Channels {
    float mu[Image::width / unit];
    float a[Image::width];
    float b[Image::width];

    __device__ Channels(const float* weight, const float* bias, const float* mean, const float* rstd, int channel,
                        int image, const GroupNormShape& shape) {
        const int in_group = shape.channels / shape.groups;
        const int row_of_weights = shape.has_own_weights ? image * shape.channels : 0;
        for (int u = 0; u < Image::width / unit; ++u) {
            const int group = image * shape.groups + (channel + u * unit) / in_group;
            mu[u] = mean[group];
            for (int c = u * unit; c < (u + 1) * unit; ++c) {
                a[c] = weight[row_of_weights + channel + c] * rstd[group];
                b[c] = bias[row_of_weights + channel + c];
            }
        }
    }

    /// x becomes x − μ and the gradient g.
    template <bool has_silu>
    __device__ void centre_and_weigh(float (&x)[Image::width], float (&gradient)[Image::width]) const {
        for (int c = 0; c < Image::width; ++c) {
            x[c] -= mu[c / unit];
            gradient[c] *= has_silu ? a[c] * silu_slope(x[c] * a[c] + b[c]) : a[c];
        }
    }
};

// Σ g and Σ g (x − μ) of each group over each block's pixels, partial [images, splits, groups].
template <class Image, int unit, bool has_silu>
__global__ void __launch_bounds__(GroupNormLayout::threads, 2)
    group_vjp_sums_kernel(const typename Image::Storage* __restrict__ gradient,
                          const typename Image::Storage* __restrict__ x, const float* __restrict__ mean,
                          const float* __restrict__ rstd, const float* __restrict__ weight,
                          const float* __restrict__ bias, float2* __restrict__ partial, GroupNormShape shape,
                          GroupNormLayout layout) {
    constexpr int width = Image::width;
    constexpr int units = width / unit;
    const BlockPlace place(shape, layout);
    float2* const found = dynamic_shared<float2>();  // [rows, channels / unit]
    const int units_in_row = shape.channels / unit;

    if (place.row < layout.rows) {
        const int pixels = place.pixels_of_row(place.row, layout.rows);
        for (int vector = place.column; vector < shape.channels / width; vector += layout.columns) {
            const Channels<Image, unit> channels(weight, bias, mean, rstd, vector * width, place.image, shape);
            const std::int64_t first = static_cast<std::int64_t>(place.image) * shape.pixels * shape.channels +
                                       (place.begin + place.row) * shape.channels + vector * width;
            float sum[units] = {}, product[units] = {};
            DIFFINV_UNROLL(2)
            for (int p = 0; p < pixels; ++p) {
                const int step = p * layout.rows * shape.channels;
                float centred[width], g[width];
                Image::unpack(load_16(x + first + step), centred);
                Image::unpack(load_16(gradient + first + step), g);
                channels.template centre_and_weigh<has_silu>(centred, g);
                for (int c = 0; c < width; ++c) {
                    sum[c / unit] += g[c];
                    product[c / unit] += g[c] * centred[c];
                }
            }
            for (int u = 0; u < units; ++u) {
                found[place.row * units_in_row + vector * units + u] = make_float2(sum[u], product[u]);
            }
        }
    }
    __syncthreads();

    const int units_in_group = units_in_row / shape.groups;
    for_each_group(shape, layout, [&](int group, int lane) {
        float sum = 0, product = 0;
        const int number = group < 0 ? 0 : layout.rows * units_in_group;
        for (int i = lane; i < number; i += layout.lanes) {
            const float2 one = found[i / units_in_group * units_in_row + group * units_in_group + i % units_in_group];
            sum += one.x;
            product += one.y;
        }
        sum = sum_over_lanes(sum, layout.lanes);
        product = sum_over_lanes(product, layout.lanes);
        if (group < 0 || lane != 0) return;
        partial[(static_cast<std::int64_t>(place.image) * layout.splits + blockIdx.x) * shape.groups + group] =
            make_float2(sum, product);
    });
}

// dx from the gradient, x and the sums that the blocks found.
template <class Image, int unit, bool has_silu>
__global__ void __launch_bounds__(GroupNormLayout::threads, 2)
    group_vjp_apply_kernel(const typename Image::Storage* __restrict__ gradient,
                           const typename Image::Storage* __restrict__ x, const float* __restrict__ mean,
                           const float* __restrict__ rstd, const float* __restrict__ weight,
                           const float* __restrict__ bias, const float2* __restrict__ partial,
                           typename Image::Storage* __restrict__ dx, GroupNormShape shape, GroupNormLayout layout) {
    constexpr int width = Image::width;
    constexpr int units = width / unit;
    const BlockPlace place(shape, layout);
    float2* const means = dynamic_shared<float2>();  // mean(g) and rstd² mean(g (x − μ)) [groups]
    const int in_group = shape.channels / shape.groups;

    for_each_group(shape, layout, [&](int group, int lane) {
        const float2* const found = partial + static_cast<std::int64_t>(place.image) * layout.splits * shape.groups;
        float sum = 0, product = 0;
        for (int split = lane; group >= 0 && split < layout.splits; split += layout.lanes) {
            const float2 one = found[split * shape.groups + group];
            sum += one.x;
            product += one.y;
        }
        sum = sum_over_lanes(sum, layout.lanes);
        product = sum_over_lanes(product, layout.lanes);
        if (group < 0 || lane != 0) return;
        const float count = static_cast<float>(shape.pixels) * static_cast<float>(in_group);
        const float inverse = rstd[place.image * shape.groups + group];
        means[group] = make_float2(sum / count, inverse * inverse * (product / count));
    });
    __syncthreads();
    if (place.row >= layout.rows) return;

    const int pixels = place.pixels_of_row(place.row, layout.rows);
    for (int vector = place.column; vector < shape.channels / width; vector += layout.columns) {
        const Channels<Image, unit> channels(weight, bias, mean, rstd, vector * width, place.image, shape);
        float2 mean_of[units];
        for (int u = 0; u < units; ++u) mean_of[u] = means[(vector * width + u * unit) / in_group];
        const std::int64_t first = static_cast<std::int64_t>(place.image) * shape.pixels * shape.channels +
                                   (place.begin + place.row) * shape.channels + vector * width;
        DIFFINV_UNROLL(2)
        for (int p = 0; p < pixels; ++p) {
            const int step = p * layout.rows * shape.channels;
            float centred[width], g[width];
            Image::unpack(load_16(x + first + step), centred);
            Image::unpack(load_16(gradient + first + step), g);
            channels.template centre_and_weigh<has_silu>(centred, g);
            for (int c = 0; c < width; ++c) g[c] -= mean_of[c / unit].x + centred[c] * mean_of[c / unit].y;
            store_16(dx + first + step, Image::pack(g));
        }
    }
}

}  // namespace

cudaError_t launch_group_norm_silu_vjp(const GroupNormVjpBuffers& buffers, ImageType type, const GroupNormShape& shape,
                                       bool has_silu, cudaStream_t stream) {
    const int width = channels_in_16_bytes(type);
    if (!is_supported(shape, width)) return cudaErrorInvalidValue;
    const GroupNormLayout layout(shape, width);
    const dim3 grid(static_cast<unsigned>(layout.splits), static_cast<unsigned>(shape.images));
    const dim3 block(GroupNormLayout::threads);
    auto* const partial = reinterpret_cast<float2*>(buffers.partial);
    return with_types(type, layout.unit, has_silu, [&](auto image_type, auto unit_type, auto silu_type) {
        using Image = decltype(image_type);
        using Storage = typename Image::Storage;
        constexpr int unit = decltype(unit_type)::value;
        constexpr bool silu = decltype(silu_type)::value;
        const auto* const gradient = static_cast<const Storage*>(buffers.gradient);
        const auto* const x = static_cast<const Storage*>(buffers.x);
        const std::size_t found_bytes = sizeof(float2) * layout.rows * (shape.channels / unit);
        const cudaError_t status =
            operators::launch(group_vjp_sums_kernel<Image, unit, silu>, grid, block, found_bytes, stream, gradient, x,
                              buffers.mean, buffers.rstd, buffers.weight, buffers.bias, partial, shape, layout);
        if (status != cudaSuccess) return status;
        return operators::launch(group_vjp_apply_kernel<Image, unit, silu>, grid, block, sizeof(float2) * shape.groups,
                                 stream, gradient, x, buffers.mean, buffers.rstd, buffers.weight, buffers.bias, partial,
                                 static_cast<Storage*>(buffers.dx), shape, layout);
    });
}

}  // namespace pipeline
