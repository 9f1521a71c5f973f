#include "operators/kernels/tap_sum.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

namespace operators {
namespace {

template <class T>
struct Tap {
    std::int64_t row, column;
    T value;
};

template <class T>
std::vector<Tap<T>> taps_of(const T* kernel, std::int64_t height, std::int64_t width) {
    std::vector<Tap<T>> taps;
    for (std::int64_t a = 0; a < height; ++a) {
        for (std::int64_t b = 0; b < width; ++b) {
            if (kernel[a * width + b] != 0) taps.push_back({a, b, kernel[a * width + b]});
        }
    }
    return taps;
}

/// A plane of x, zero in its margins.
template <class T>
struct Plane {
    const T* x;
    std::int64_t height, width, rows_of_margin, columns_of_margin;
};

/// Outputs (i, j) … (i, j + count − 1), in registers. Taps that read margins alone are passed over.
template <int count, class T>
void sum_block(const std::vector<Tap<T>>& taps, const Plane<T>& plane, std::int64_t i, std::int64_t j, T* out) {
    T sum[count] = {};
    for (const Tap<T>& tap : taps) {
        const std::int64_t row = i + tap.row, column = j + tap.column;
        if (row < plane.rows_of_margin || column + count <= plane.columns_of_margin) continue;
        if (row >= plane.height - plane.rows_of_margin || column >= plane.width - plane.columns_of_margin) continue;
        const T* x = plane.x + row * plane.width + column;
        for (int k = 0; k < count; ++k) sum[k] += tap.value * x[k];
    }
    std::copy_n(sum, count, out);
}

/// All outputs of a row in blocks, the last one moved back over its neighbour where it would reach out of the row.
template <int count, class T>
void sum_row(const std::vector<Tap<T>>& taps, const Plane<T>& plane, std::int64_t i, std::int64_t width, T* out) {
    if constexpr (count > 1) {
        if (width < count) return sum_row<(count > 4 ? count / 4 : 1)>(taps, plane, i, width, out);
    }
    for (std::int64_t j = 0; j < width; j += count) {
        const std::int64_t begin = std::min(j, width - count);
        sum_block<count>(taps, plane, i, begin, out + begin);
    }
}

}  // namespace

at::Tensor sum_of_taps(const at::Tensor& x, const at::Tensor& kernels, std::int64_t rows_of_margin,
                       std::int64_t columns_of_margin) {
    const std::int64_t kernel_height = kernels.size(2), kernel_width = kernels.size(3);
    const std::int64_t height = x.size(1) - kernel_height + 1, width = x.size(2) - kernel_width + 1;
    const std::int64_t planes_of_kernel = x.size(0) / kernels.size(0);
    at::Tensor out = at::empty({x.size(0), height, width}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "sum_of_taps", [&] {
        constexpr int block = 128 / sizeof(scalar_t);  // eight registers of 16 bytes
        at::parallel_for(0, x.size(0), 1, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t number = first; number < last; ++number) {
                const std::int64_t kernel = number / planes_of_kernel;
                const auto taps = taps_of(kernels.const_data_ptr<scalar_t>() + kernel * kernel_height * kernel_width,
                                          kernel_height, kernel_width);
                const Plane<scalar_t> plane{x.const_data_ptr<scalar_t>() + number * x.size(1) * x.size(2), x.size(1),
                                            x.size(2), rows_of_margin, columns_of_margin};
                auto* to = out.mutable_data_ptr<scalar_t>() + number * height * width;
                for (std::int64_t i = 0; i < height; ++i) sum_row<block>(taps, plane, i, width, to + i * width);
            }
        });
    });
    return out;
}

}  // namespace operators
