#include "operators/gaussian_blur.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>

#include "operators/blur.h"
#include "operators/parameter.h"

namespace operators {

at::Tensor gaussian_kernel(std::int64_t size, double std) {
    // Weights within the cut-off, with sum 1.
    const auto radius = static_cast<std::int64_t>(4 * std + 0.5);
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t offset = -radius; offset <= radius; ++offset) {
        const double distance = static_cast<double>(offset) / std;
        weights.push_back(std::exp(-0.5 * distance * distance));
        sum += weights.back();
    }

    // One axis of the filtered frame: every place that looks at the middle, directly or by way of the mirror.
    std::vector<double> line(static_cast<std::size_t>(size));
    for (std::int64_t place = 0; place < size; ++place) {
        for (std::int64_t offset = -radius; offset <= radius; ++offset) {
            const std::int64_t period = 2 * size;
            std::int64_t source = ((place + offset) % period + period) % period;
            if (source >= size) source = period - 1 - source;
            if (source != size / 2) continue;
            line[static_cast<std::size_t>(place)] += weights[static_cast<std::size_t>(offset + radius)] / sum;
        }
    }

    at::Tensor kernel = at::empty({size, size}, at::kFloat);
    float* tap = kernel.mutable_data_ptr<float>();
    for (const double down : line) {
        for (const double across : line) *tap++ = static_cast<float>(down * across);
    }
    return kernel;
}

void resolve_gaussian_blur(Settings& settings, const Shape& image) {
    // Mirroring needs ⌊size/2⌋ below the side.
    const std::int64_t largest = 2 * std::min(image.height, image.width) - 1;
    if (settings.is_word("size", "auto")) settings.set("size", std::min<std::int64_t>(61, largest));
    const std::int64_t size = settings.integer("size");
    if (size % 2 == 1 && size <= largest) return;
    throw std::invalid_argument("gaussian_blur.size: " + std::to_string(size) +
                                ", allowed is an odd integer from 1 to " + std::to_string(largest) + " for images of " +
                                std::to_string(image.height) + "x" + std::to_string(image.width));
}

Parameters draw_gaussian_blur(const Settings& settings, const Shape& /*image*/, const NoiseStream& /*noise*/,
                              std::span<const std::uint64_t> /*images*/) {
    const GaussianBlurSettings blur{settings.integer("size"), settings.real("std")};
    return {{"kernel", gaussian_kernel(blur.size, blur.std)}};
}

std::unique_ptr<MeasurementOperator> make_gaussian_blur(const Settings& /*settings*/, const Shape& image,
                                                        const Parameters& parameters) {
    return std::make_unique<Blur>("gaussian_blur", required_parameter(parameters, "kernel", "gaussian_blur"), image);
}

}  // namespace operators
