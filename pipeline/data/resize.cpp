#include "pipeline/data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "operators/shape.h"

namespace pipeline {

namespace {

/// Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 1981, with a = −1/2.
double keys_cubic(double x) {
    constexpr double a = -0.5;
    x = std::abs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

/// What one output pixel is made of: inputs first, first + 1, … with these weights.
struct Taps {
    std::int64_t first = 0;
    std::vector<double> weights;
};

/// Taps of outputs [offset, offset + count) of an axis of `input` pixels scaled to `scaled` pixels.
std::vector<Taps> make_taps(std::int64_t input, std::int64_t scaled, std::int64_t offset, std::int64_t count) {
    const double ratio = static_cast<double>(input) / static_cast<double>(scaled);
    const double widening = std::max(ratio, 1.0);
    const double support = 2 * widening;
    std::vector<Taps> all(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
        Taps& taps = all[static_cast<std::size_t>(i)];
        if (scaled == input) {
            taps = {i + offset, {1.0}};
            continue;
        }
        // Pixel i covers [i, i + 1): centres lie at half numbers.
        const double centre = (static_cast<double>(i + offset) + 0.5) * ratio;
        taps.first = std::max<std::int64_t>(static_cast<std::int64_t>(std::floor(centre - support + 0.5)), 0);
        const std::int64_t end = std::min(static_cast<std::int64_t>(std::floor(centre + support + 0.5)), input);
        double sum = 0;
        for (std::int64_t j = taps.first; j < end; ++j) {
            taps.weights.push_back(keys_cubic((static_cast<double>(j) + 0.5 - centre) / widening));
            sum += taps.weights.back();
        }
        for (double& weight : taps.weights) weight /= sum;
    }
    return all;
}

/// Σ_k weights[k] · line[(first + k) · stride]
float weighted_sum(const Taps& taps, const float* line, std::int64_t stride) {
    if (taps.weights.size() == 1) return line[taps.first * stride];
    double sum = 0;
    const float* value = line + taps.first * stride;
    for (const double weight : taps.weights) {
        sum += weight * static_cast<double>(*value);
        value += stride;
    }
    return static_cast<float>(sum);
}

}  // namespace

at::Tensor resize_to_cover(const at::Tensor& image, std::int64_t height, std::int64_t width) {
    if (image.dim() != 3 || image.numel() == 0 || image.scalar_type() != at::kFloat || height < 1 || width < 1) {
        throw std::invalid_argument("resize_to_cover: image is " + operators::shape_of(image) + ", target " +
                                    std::to_string(height) + "x" + std::to_string(width) +
                                    "; expected float32 [C, h, w] and sizes of at least 1");
    }
    const std::int64_t channels = image.size(0);
    const std::int64_t h = image.size(1);
    const std::int64_t w = image.size(2);
    if (h == height && w == width) return image;

    // Scale until both sides cover the target: one side exactly, the other rounded to the nearest pixel.
    const bool is_height_tight = height * w >= width * h;
    const auto covered = [](std::int64_t side, std::int64_t target, std::int64_t other) {
        return (2 * side * target + other) / (2 * other);
    };
    const std::int64_t scaled_height = is_height_tight ? height : std::max(height, covered(h, width, w));
    const std::int64_t scaled_width = is_height_tight ? std::max(width, covered(w, height, h)) : width;
    const std::vector<Taps> rows = make_taps(h, scaled_height, (scaled_height - height) / 2, height);
    const std::vector<Taps> columns = make_taps(w, scaled_width, (scaled_width - width) / 2, width);

    // Along x for the input rows that are needed, then along y.
    const std::int64_t first_row = rows.front().first;
    const std::int64_t row_count =
        rows.back().first + static_cast<std::int64_t>(rows.back().weights.size()) - first_row;
    const at::Tensor dense = image.contiguous();
    const float* source = dense.const_data_ptr<float>();
    std::vector<float> narrow(static_cast<std::size_t>(row_count * width));
    at::Tensor result = at::empty({channels, height, width}, at::TensorOptions().dtype(at::kFloat));
    float* target = result.data_ptr<float>();
    for (std::int64_t channel = 0; channel < channels; ++channel) {
        for (std::int64_t row = 0; row < row_count; ++row) {
            const float* line = source + (channel * h + first_row + row) * w;
            for (std::int64_t x = 0; x < width; ++x) {
                narrow[static_cast<std::size_t>(row * width + x)] =
                    weighted_sum(columns[static_cast<std::size_t>(x)], line, 1);
            }
        }
        for (std::int64_t y = 0; y < height; ++y) {
            Taps taps = rows[static_cast<std::size_t>(y)];
            taps.first -= first_row;
            for (std::int64_t x = 0; x < width; ++x) {
                *target++ = std::clamp(weighted_sum(taps, narrow.data() + x, width), -1.0F, 1.0F);
            }
        }
    }
    return result;
}

}  // namespace pipeline
