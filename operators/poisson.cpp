#include "operators/poisson.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ne.h>
#include <ATen/ops/where.h>

namespace operators {
namespace {

constexpr double largest_part = 500;  // e^−500 is a normal double, so the sum of probabilities starts above 0

std::int64_t count_of_part(double mean, double u) {
    double probability = std::exp(-mean), sum = probability;
    std::int64_t count = 0;
    // Beyond the last probability that changes the sum there is nothing left to find
    while (u >= sum && (probability > 0 || static_cast<double>(count) < mean)) {
        ++count;
        probability *= mean / static_cast<double>(count);
        const double next = sum + probability;
        if (next == sum && static_cast<double>(count) > mean) break;
        sum = next;
    }
    return count;
}

std::size_t parts_of(double mean) {
    return static_cast<std::size_t>(std::max(1.0, std::ceil(mean / largest_part)));
}

}  // namespace

std::size_t poisson_uniforms(double largest_mean) {
    return parts_of(largest_mean);
}

std::int64_t poisson_count(double mean, std::span<const double> uniforms) {
    const std::size_t parts = parts_of(mean);
    if (!(mean >= 0) || uniforms.size() < parts) {
        throw std::invalid_argument("poisson_count: mean " + std::to_string(mean) + " with " +
                                    std::to_string(uniforms.size()) + " uniforms");
    }
    std::int64_t count = 0;
    for (std::size_t part = 0; part < parts; ++part) {
        count += count_of_part(mean / static_cast<double>(parts), uniforms[part]);
    }
    return count;
}

Measurement measure_poisson(std::shared_ptr<const MeasurementOperator> A, const at::Tensor& x, double rate,
                            const NoiseStream& noise, std::span<const std::uint64_t> images, bool noise_on_unobserved) {
    if (!(rate > 0) || !std::isfinite(rate)) {
        throw std::invalid_argument("measure_poisson: rate is " + std::to_string(rate) + ", allowed is a number > 0");
    }
    const at::NoGradGuard no_gradients;
    const at::Tensor clean = A->forward(x);
    if (clean.size(0) != static_cast<std::int64_t>(images.size())) {
        throw std::invalid_argument("measure_poisson: x has shape " + shape_of(x) + ", expected one row for each of " +
                                    std::to_string(images.size()) + " images");
    }
    const double photons = 255.0 * rate;
    const at::Tensor v = clean.to(at::kDouble).add(1).div(2).clamp(0, 1).contiguous();
    at::Tensor noisy = at::empty_like(v);
    const auto entries = static_cast<std::size_t>(A->y_shape().count());
    const std::size_t parts = poisson_uniforms(photons);
    std::vector<double> draws(2 * parts * entries), uniforms(parts);
    const double* value = v.const_data_ptr<double>();
    double* result = noisy.mutable_data_ptr<double>();
    for (const std::uint64_t image : images) {
        noise.uniform({.purpose = Purpose::counts, .image = image}, draws);
        for (std::size_t entry = 0; entry < entries; ++entry) {
            const double* pair = draws.data() + 2 * parts * entry;
            // The second number fills the 21 bits that the first leaves of a double's 53
            for (std::size_t part = 0; part < parts; ++part) {
                uniforms[part] = pair[2 * part] + std::floor(pair[2 * part + 1] * 0x1p21) * 0x1p-53;
            }
            const auto count = static_cast<double>(poisson_count(photons * *value++, uniforms));
            *result++ = std::clamp(2 * count / photons - 1, -1.0, 1.0);
        }
    }
    at::Tensor y = noisy.to(clean.scalar_type());
    if (const at::Tensor observed = A->observed(); !noise_on_unobserved && observed.defined()) {
        y = at::where(at::ne(observed, 0), y, clean);
    }
    return {.y = std::move(y), .A = std::move(A), .sigma_y = 0, .poisson_rate = rate};
}

}  // namespace operators
