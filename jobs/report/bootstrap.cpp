#include "jobs/report/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "operators/noise_stream.h"

namespace jobs {

namespace {

constexpr double tail = 0.025;
constexpr std::size_t most_resamples = 2000, fewest_resamples = 200, most_draws = 20'000'000;

/// Φ.
double normal_probability(double z) {
    return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

/// Φ⁻¹, by bisection.
double normal_quantile(double probability) {
    double low = -40, high = 40;
    for (int i = 0; i < 200; ++i) {
        const double middle = (low + high) / 2;
        (normal_probability(middle) < probability ? low : high) = middle;
    }
    return (low + high) / 2;
}

/// Means of resamples with replacement, ascending.
std::vector<double> resampled_means(std::span<const double> values) {
    const std::size_t n = values.size();
    const std::size_t resamples = std::clamp(most_draws / n, fewest_resamples, most_resamples);
    const operators::NoiseStream stream(0);
    std::vector<double> uniforms(n), means;
    for (std::size_t i = 0; i < resamples; ++i) {
        stream.uniform({.purpose = operators::Purpose::bootstrap, .image = i}, uniforms);
        double sum = 0;
        for (const double u : uniforms) sum += values[static_cast<std::size_t>(u * static_cast<double>(n))];
        means.push_back(sum / static_cast<double>(n));
    }
    std::ranges::sort(means);
    return means;
}

/// Skewness of the mean over the jackknife, over six.
double acceleration(std::span<const double> values, double mean) {
    double squares = 0, cubes = 0;
    for (const double value : values) {
        // The mean without this value differs from the mean of those by (mean − value)/(n − 1)
        const double d = value - mean;
        squares += d * d;
        cubes += d * d * d;
    }
    return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0.0;
}

/// The quantile of sorted values, linear between two.
double quantile(const std::vector<double>& sorted, double probability) {
    const double place = probability * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Interval bootstrap_interval(std::span<const double> values) {
    constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
    if (values.size() < 2) return {nothing, nothing};
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    const std::vector<double> means = resampled_means(values);
    if (means.front() == means.back()) return {means.front(), means.back()};

    // Bias: where the mean stands among the resamples, ties counted half; kept off the ends, which have no quantile
    const auto [first, last] = std::ranges::equal_range(means, mean);
    const double below = static_cast<double>(first - means.begin()) + 0.5 * static_cast<double>(last - first);
    const auto count = static_cast<double>(means.size());
    const double z0 = normal_quantile(std::clamp(below / count, 0.5 / count, 1 - 0.5 / count));
    const double a = acceleration(values, mean);
    const auto end = [&](double probability) {
        const double z = z0 + normal_quantile(probability);
        return quantile(means, normal_probability(z0 + z / (1 - a * z)));
    };
    return {end(tail), end(1 - tail)};
}

}  // namespace jobs
