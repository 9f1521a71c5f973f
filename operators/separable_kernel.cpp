#include "operators/separable_kernel.h"

#include <algorithm>
#include <cmath>

namespace operators {

KernelTaps trim_zero_border(const KernelTaps& kernel) {
    // How far the outermost tap lies from the centre, along each axis.
    const std::int64_t centre_row = kernel.height / 2;
    const std::int64_t centre_column = kernel.width / 2;
    std::int64_t reach_rows = 0;
    std::int64_t reach_columns = 0;
    for (std::int64_t i = 0; i < kernel.height; ++i) {
        for (std::int64_t j = 0; j < kernel.width; ++j) {
            if (kernel.at(i, j) == 0) continue;
            reach_rows = std::max(reach_rows, std::abs(i - centre_row));
            reach_columns = std::max(reach_columns, std::abs(j - centre_column));
        }
    }

    KernelTaps trimmed{2 * reach_rows + 1, 2 * reach_columns + 1, {}};
    for (std::int64_t i = centre_row - reach_rows; i <= centre_row + reach_rows; ++i) {
        for (std::int64_t j = centre_column - reach_columns; j <= centre_column + reach_columns; ++j) {
            trimmed.values.push_back(kernel.at(i, j));
        }
    }
    return trimmed;
}

std::optional<SeparableKernel> factor_kernel(const KernelTaps& kernel, double tolerance) {
    const auto largest = std::max_element(kernel.values.begin(), kernel.values.end(),
                                          [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (*largest == 0) return std::nullopt;

    // Start from the row of the largest tap; two power iterations then average the rounding of all rows and columns.
    const std::int64_t pivot = (largest - kernel.values.begin()) / kernel.width;
    SeparableKernel factors{std::vector<double>(static_cast<std::size_t>(kernel.height)),
                            std::vector<double>(static_cast<std::size_t>(kernel.width))};
    std::vector<double>& u = factors.column;
    std::vector<double>& v = factors.row;
    for (std::int64_t j = 0; j < kernel.width; ++j) v[static_cast<std::size_t>(j)] = kernel.at(pivot, j) / *largest;
    for (int iteration = 0; iteration < 2; ++iteration) {
        double squares = 0;
        for (const double tap : v) squares += tap * tap;
        std::fill(u.begin(), u.end(), 0.0);
        for (std::int64_t i = 0; i < kernel.height; ++i) {
            double& sum = u[static_cast<std::size_t>(i)];
            for (std::int64_t j = 0; j < kernel.width; ++j) sum += kernel.at(i, j) * v[static_cast<std::size_t>(j)];
            sum /= squares;
        }
        squares = 0;
        for (const double tap : u) squares += tap * tap;
        for (std::int64_t j = 0; j < kernel.width; ++j) {
            double& sum = v[static_cast<std::size_t>(j)];
            sum = 0;
            for (std::int64_t i = 0; i < kernel.height; ++i) sum += kernel.at(i, j) * u[static_cast<std::size_t>(i)];
            sum /= squares;
        }
    }

    // A product only if it is one in every tap.
    for (std::int64_t i = 0; i < kernel.height; ++i) {
        for (std::int64_t j = 0; j < kernel.width; ++j) {
            const double product = u[static_cast<std::size_t>(i)] * v[static_cast<std::size_t>(j)];
            if (!(std::abs(kernel.at(i, j) - product) <= tolerance * std::abs(*largest))) return std::nullopt;
        }
    }
    return factors;
}

std::vector<double> mirrored_band(const std::vector<double>& taps, std::int64_t side) {
    const auto size = static_cast<std::int64_t>(taps.size());
    std::vector<double> matrix(static_cast<std::size_t>(side * side));
    for (std::int64_t i = 0; i < side; ++i) {
        for (std::int64_t a = 0; a < size; ++a) {
            std::int64_t source = std::abs(i + a - size / 2);
            if (source >= side) source = 2 * (side - 1) - source;
            matrix[static_cast<std::size_t>(i * side + source)] += taps[static_cast<std::size_t>(a)];
        }
    }
    return matrix;
}

}  // namespace operators
