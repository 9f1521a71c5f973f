#include "pipeline/networks/kernels/group_norm_block.h"

namespace pipeline {
namespace {

using operators::dynamic_shared;
using operators::load_16;
using operators::store_16;

// Mean and M2 of each group over each block's pixels, partial [images, splits, groups].
//
// A thread sums d and d² for d = x − K, where K is the first value that it meets. Then Σ d² = M2 + n (K − mean)², and
// since K is itself one of the n values, that is at most n M2: what cancels in M2 = Σ d² − (Σ d)²/n is bounded by the
// few values of one thread, however far the mean is from 0. Above that, moments are merged without cancellation.
template <class Image, int unit>
__global__ void __launch_bounds__(GroupNormLayout::threads, 2)
    group_moments_kernel(const typename Image::Storage* __restrict__ x, float2* __restrict__ partial,
                         GroupNormShape shape, GroupNormLayout layout) {
    constexpr int width = Image::width;
    constexpr int units = width / unit;
    const BlockPlace place(shape, layout);
    float2* const found = dynamic_shared<float2>();  // [rows, channels / unit]
    const int units_in_row = shape.channels / unit;
    const auto* const image = x + static_cast<std::int64_t>(place.image) * shape.pixels * shape.channels;

    if (place.row < layout.rows) {
        const int pixels = place.pixels_of_row(place.row, layout.rows);
        const float count = static_cast<float>(pixels * unit);
        for (int vector = place.column; vector < shape.channels / width; vector += layout.columns) {
            const auto* source = image + (place.begin + place.row) * shape.channels + vector * width;
            float shift[units] = {}, sum[units] = {}, squares[units] = {};
            float value[width];
            if (pixels > 0) {
                Image::unpack(load_16(source), value);
                for (int u = 0; u < units; ++u) shift[u] = value[u * unit];
            }
            DIFFINV_UNROLL(4)
            for (int p = 0; p < pixels; ++p) {
                Image::unpack(load_16(source + p * layout.rows * shape.channels), value);
                for (int c = 0; c < width; ++c) {
                    const float d = value[c] - shift[c / unit];
                    sum[c / unit] += d;
                    squares[c / unit] += d * d;
                }
            }
            for (int u = 0; u < units; ++u) {
                const float mean = pixels > 0 ? sum[u] / count : 0;
                const float m2 = squares[u] - mean * sum[u];
                found[place.row * units_in_row + vector * units + u] = make_float2(shift[u] + mean, m2 > 0 ? m2 : 0);
            }
        }
    }
    __syncthreads();

    const int units_in_group = units_in_row / shape.groups;
    for_each_group(shape, layout, [&](int group, int lane) {
        const Moments all = merged(group < 0 ? 0 : layout.rows * units_in_group, lane, layout.lanes, [&](int i) {
            const int row = i / units_in_group;
            const float2 one = found[row * units_in_row + group * units_in_group + i % units_in_group];
            return Moments{static_cast<float>(place.pixels_of_row(row, layout.rows) * unit), one.x, one.y};
        });
        if (group < 0 || lane != 0) return;
        partial[(static_cast<std::int64_t>(place.image) * layout.splits + blockIdx.x) * shape.groups + group] =
            make_float2(all.mean, all.m2);
    });
}

// y from x and the moments that the blocks found; the first block of each image also writes mean and rstd.
template <class Image, int unit, bool has_silu>
__global__ void __launch_bounds__(GroupNormLayout::threads, 2)
    group_apply_kernel(const typename Image::Storage* __restrict__ x, const float* __restrict__ weight,
                       const float* __restrict__ bias, const float2* __restrict__ partial,
                       typename Image::Storage* __restrict__ y, float* __restrict__ mean, float* __restrict__ rstd,
                       float epsilon, GroupNormShape shape, GroupNormLayout layout) {
    constexpr int width = Image::width;
    constexpr int units = width / unit;
    const BlockPlace place(shape, layout);
    float2* const statistics = dynamic_shared<float2>();  // mean and rstd [groups]
    const int in_group = shape.channels / shape.groups;

    for_each_group(shape, layout, [&](int group, int lane) {
        const float2* const found = partial + static_cast<std::int64_t>(place.image) * layout.splits * shape.groups;
        const Moments all = merged(group < 0 ? 0 : layout.splits, lane, layout.lanes, [&](int split) {
            const float2 one = found[split * shape.groups + group];
            return Moments{static_cast<float>(pixels_of_split(split, shape, layout)) * static_cast<float>(in_group),
                           one.x, one.y};
        });
        if (group < 0 || lane != 0) return;
        const float inverse = 1.0f / std::sqrt(all.m2 / all.count + epsilon);
        statistics[group] = make_float2(all.mean, inverse);
        if (blockIdx.x == 0) {
            mean[place.image * shape.groups + group] = all.mean;
            rstd[place.image * shape.groups + group] = inverse;
        }
    });
    __syncthreads();
    if (place.row >= layout.rows) return;

    const int pixels = place.pixels_of_row(place.row, layout.rows);
    const int row_of_weights = shape.has_own_weights ? place.image * shape.channels : 0;
    const std::int64_t offset = static_cast<std::int64_t>(place.image) * shape.pixels * shape.channels;
    for (int vector = place.column; vector < shape.channels / width; vector += layout.columns) {
        const int channel = vector * width;
        float mu[units], a[width], b[width];
        for (int u = 0; u < units; ++u) {
            const float2 one = statistics[(channel + u * unit) / in_group];
            mu[u] = one.x;
            for (int c = u * unit; c < (u + 1) * unit; ++c) {
                a[c] = weight[row_of_weights + channel + c] * one.y;
                b[c] = bias[row_of_weights + channel + c];
            }
        }
        const std::int64_t first = offset + (place.begin + place.row) * shape.channels + channel;
        DIFFINV_UNROLL(4)
        for (int p = 0; p < pixels; ++p) {
            const int step = p * layout.rows * shape.channels;
            float value[width];
            Image::unpack(load_16(x + first + step), value);
            for (int c = 0; c < width; ++c) {
                const float z = (value[c] - mu[c / unit]) * a[c] + b[c];
                value[c] = has_silu ? __fdividef(z, 1.0f + __expf(-z)) : z;
            }
            store_16(y + first + step, Image::pack(value));
        }
    }
}

}  // namespace

cudaError_t launch_group_norm_silu(const GroupNormBuffers& buffers, ImageType type, const GroupNormShape& shape,
                                   float epsilon, bool has_silu, cudaStream_t stream) {
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
        const auto* const x = static_cast<const Storage*>(buffers.x);
        const std::size_t found_bytes = sizeof(float2) * layout.rows * (shape.channels / unit);
        const cudaError_t status = operators::launch(group_moments_kernel<Image, unit>, grid, block, found_bytes,
                                                     stream, x, partial, shape, layout);
        if (status != cudaSuccess) return status;
        return operators::launch(group_apply_kernel<Image, unit, decltype(silu_type)::value>, grid, block,
                                 sizeof(float2) * shape.groups, stream, x, buffers.weight, buffers.bias, partial,
                                 static_cast<Storage*>(buffers.y), buffers.mean, buffers.rstd, epsilon, shape, layout);
    });
}

}  // namespace pipeline
