#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace operators {

/// The taps of a kernel, in double, row by row.
struct KernelTaps {
    std::int64_t height = 0;
    std::int64_t width = 0;
    std::vector<double> values;

    double at(std::int64_t row, std::int64_t column) const {
        return values[static_cast<std::size_t>(row * width + column)];
    }
};

/// The kernel without the rows and columns of zeros at its border, as many on one side as on the other, so that its
/// centre stays. At least [1, 1].
KernelTaps trim_zero_border(const KernelTaps& kernel);

/// u and v of a kernel k = u vᵀ.
struct SeparableKernel {
    std::vector<double> column;  ///< u, down the rows
    std::vector<double> row;     ///< v
};

/// The factors of k, if no tap differs from its product by more than `tolerance` times the largest tap.
std::optional<SeparableKernel> factor_kernel(const KernelTaps& kernel, double tolerance);

/// The matrix M [side, side], row by row, with (M x)[i] = Σ_a taps[a] x̃[i + a − ⌊K/2⌋], x̃ mirrored without repeating
/// the border. Needs ⌊K/2⌋ < side.
std::vector<double> mirrored_band(const std::vector<double>& taps, std::int64_t side);

}  // namespace operators
