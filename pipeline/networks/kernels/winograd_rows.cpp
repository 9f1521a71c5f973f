#include "pipeline/networks/kernels/winograd_rows.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DIFFINV_HAS_WINOGRAD
#include <immintrin.h>
#endif

namespace pipeline {
namespace {

constexpr std::int64_t winograd_block = 8;                ///< Channels of outputs whose weights lie side by side.
constexpr float inner_point = 0.75F, outer_point = 1.5F;  ///< The points are 0, ± each of them, and ∞.

}  // namespace

#ifdef DIFFINV_HAS_WINOGRAD
namespace {

/// Bands whose inputs are transformed together: enough for long tiles, and no more than a core's second-level cache
/// holds, unless one alone is more.
constexpr std::int64_t bands_at_once(std::int64_t in_channels, std::int64_t band_width) {
    constexpr std::int64_t positions = 160, bytes = 512 << 10;
    const std::int64_t of_positions = positions / band_width;
    const std::int64_t of_bytes = bytes / (6 * static_cast<std::int64_t>(sizeof(float)) * in_channels * band_width);
    return std::max<std::int64_t>(1, std::min(of_positions, of_bytes));
}

/// Memory of a thread between its convolutions, all zeros at first. What is never written stays zero.
class Scratch {
  public:
    float* take(std::int64_t count) {
        numbers_.assign(static_cast<std::size_t>(count), 0.0F);
        return numbers_.data();
    }

  private:
    std::vector<float> numbers_;
};

}  // namespace

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace {
namespace winograd_v3 {
using Vector = __m256;
constexpr int tile_rows = 4, tile_vectors = 2;
[[gnu::always_inline]] inline Vector broadcast(float value) {
    return _mm256_set1_ps(value);
}
[[gnu::always_inline]] inline Vector multiply_add(Vector x, Vector y, Vector z) {
    return _mm256_fmadd_ps(x, y, z);
}
#include "pipeline/networks/kernels/winograd_rows_body.h"
}  // namespace winograd_v3
}  // namespace
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
namespace {
namespace winograd_v4 {
using Vector = __m512;
constexpr int tile_rows = 8, tile_vectors = 2;
[[gnu::always_inline]] inline Vector broadcast(float value) {
    return _mm512_set1_ps(value);
}
[[gnu::always_inline]] inline Vector multiply_add(Vector x, Vector y, Vector z) {
    return _mm512_fmadd_ps(x, y, z);
}
#include "pipeline/networks/kernels/winograd_rows_body.h"
}  // namespace winograd_v4
}  // namespace
#pragma GCC pop_options
#endif

std::span<const WinogradKernel> winograd_kernels() {
#ifdef DIFFINV_HAS_WINOGRAD
    static const WinogradKernel kernels[] = {
        {"x86-64-v3", __builtin_cpu_supports("x86-64-v3") != 0, winograd_v3::convolve},
        {"x86-64-v4", __builtin_cpu_supports("x86-64-v4") != 0, winograd_v4::convolve},
    };
    return kernels;
#else
    return {};
#endif
}

std::int64_t winograd_weight_count(std::int64_t in_channels, std::int64_t out_channels) {
    return (out_channels + winograd_block - 1) / winograd_block * 6 * in_channels * 3 * winograd_block;
}

void transform_winograd_weights(const float* weight, std::int64_t in_channels, std::int64_t out_channels,
                                bool is_adjoint, float* transformed) {
    const double a2 = double{inner_point} * inner_point, b2 = double{outer_point} * outer_point;
    std::fill_n(transformed, winograd_weight_count(in_channels, out_channels), 0.0F);
    for (std::int64_t d = 0; d < out_channels; ++d) {
        for (std::int64_t c = 0; c < in_channels; ++c) {
            for (std::int64_t dx = 0; dx < 3; ++dx) {
                double g[3];
                for (std::int64_t dy = 0; dy < 3; ++dy) {
                    g[dy] = double{is_adjoint ? weight[((c * out_channels + d) * 3 + 2 - dy) * 3 + 2 - dx]
                                              : weight[((d * in_channels + c) * 3 + dy) * 3 + dx]};
                }
                const auto at_point = [&](double p, double scale) { return (g[0] + p * g[1] + p * p * g[2]) / scale; };
                const double values[6] = {at_point(0, a2 * b2),
                                          at_point(double{inner_point}, 2 * a2 * (a2 - b2)),
                                          at_point(-double{inner_point}, 2 * a2 * (a2 - b2)),
                                          at_point(double{outer_point}, 2 * b2 * (b2 - a2)),
                                          at_point(-double{outer_point}, 2 * b2 * (b2 - a2)),
                                          g[2]};
                for (std::int64_t i = 0; i < 6; ++i) {
                    const std::int64_t block = d / winograd_block * 6 + i;
                    transformed[((block * in_channels + c) * 3 + dx) * winograd_block + d % winograd_block] =
                        static_cast<float>(values[i]);
                }
            }
        }
    }
}

}  // namespace pipeline
