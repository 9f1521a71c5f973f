#pragma once

#include <cstdint>
#include <type_traits>

#include "operators/kernels/launch.h"
#include "pipeline/networks/kernels/channel_vector.h"
#include "pipeline/networks/kernels/group_norm_launch.h"

// What the group norm's kernels share. For .cu files alone.

namespace pipeline {

/// Where a thread stands: which of its block's columns and rows, and which pixels of which image the block takes.
struct BlockPlace {
    int column, row, begin, end, image;

    __device__ BlockPlace(const GroupNormShape& shape, const GroupNormLayout& layout)
        : column(static_cast<int>(threadIdx.x) % layout.columns),
          row(static_cast<int>(threadIdx.x) / layout.columns),
          begin(static_cast<int>(blockIdx.x) * layout.pixels_per_split),
          end(begin + layout.pixels_per_split < shape.pixels ? begin + layout.pixels_per_split : shape.pixels),
          image(static_cast<int>(blockIdx.y)) {}

    /// Pixels that row `r` of this block takes.
    __device__ int pixels_of_row(int r, int rows) const {
        const int left = end - begin - r;
        return left > 0 ? (left + rows - 1) / rows : 0;
    }
};

/// Pixels of the block `split` of an image.
__device__ inline int pixels_of_split(int split, const GroupNormShape& shape, const GroupNormLayout& layout) {
    const int left = shape.pixels - split * layout.pixels_per_split;
    return left < layout.pixels_per_split ? left : layout.pixels_per_split;
}

/// The sum over `lanes` neighbouring threads, the same in each; every thread of the warp must come here.
__device__ inline float sum_over_lanes(float value, int lanes) {
    for (int distance = lanes / 2; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(0xFFFFFFFFU, value, distance);
    }
    return value;
}

/// Statistics of some values: how many, their mean, and M2 = Σ (value − mean)².
struct Moments {
    float count, mean, m2;
};

/// Merges moments 0 … number−1, which `lanes` threads hold or read together, each every lanes-th: the mean first, then
/// M2 = Σ (M2_i + count_i (mean_i − mean)²), a sum of what is never negative, so that nothing cancels.
template <class Read>
__device__ inline Moments merged(int number, int lane, int lanes, const Read& read) {
    float count = 0, sum = 0;
    for (int i = lane; i < number; i += lanes) {
        const Moments one = read(i);
        count += one.count;
        sum += one.count * one.mean;
    }
    count = sum_over_lanes(count, lanes);
    sum = sum_over_lanes(sum, lanes);
    const float mean = count > 0 ? sum / count : 0;
    float m2 = 0;
    for (int i = lane; i < number; i += lanes) {
        const Moments one = read(i);
        const float shift = one.mean - mean;
        m2 += one.m2 + one.count * shift * shift;
    }
    return {count, mean, sum_over_lanes(m2, lanes)};
}

/// Calls act(group, lane) with `lanes` threads for every group, group by group; for those that have none to do with
/// group −1, since shuffles need whole warps.
template <class Act>
__device__ inline void for_each_group(const GroupNormShape& shape, const GroupNormLayout& layout, const Act& act) {
    const int lane = static_cast<int>(threadIdx.x) % layout.lanes;
    const int at_once = GroupNormLayout::threads / layout.lanes;
    for (int first = 0; first < shape.groups; first += at_once) {
        const int group = first + static_cast<int>(threadIdx.x) / layout.lanes;
        act(group < shape.groups ? group : -1, lane);
    }
}

/// Picks the kernel's template arguments: act(image type, unit, has_silu), each as a type.
template <class Act>
cudaError_t with_types(ImageType type, int unit, bool has_silu, const Act& act) {
    const auto with_unit = [&](auto image_type) {
        const auto with_silu = [&](auto unit_type) {
            return has_silu ? act(image_type, unit_type, std::true_type{})
                            : act(image_type, unit_type, std::false_type{});
        };
        switch (unit) {
            case 1:
                return with_silu(std::integral_constant<int, 1>{});
            case 2:
                return with_silu(std::integral_constant<int, 2>{});
            case 4:
                return with_silu(std::integral_constant<int, 4>{});
            default:
                return with_silu(std::integral_constant<int, decltype(image_type)::width>{});
        }
    };
    return type == ImageType::float32 ? with_unit(Float32{}) : with_unit(BFloat16{});
}

}  // namespace pipeline
