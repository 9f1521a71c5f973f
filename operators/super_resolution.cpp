#include "operators/super_resolution.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include <ATen/ops/matmul.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/zeros.h>

#include "operators/full_precision.h"

namespace operators {
namespace {

/// Keys' cubic with a = −1/2 (1981, eq. 15).
double cubic(double x) {
    const double s = std::abs(x);
    if (s <= 1) return (1.5 * s - 2.5) * s * s + 1;
    if (s < 2) return ((-0.5 * s + 2.5) * s - 4) * s + 2;
    return 0;
}

/// The pixel that a place beyond the border mirrors, the border's own pixel repeated.
std::int64_t mirrored(std::int64_t place, std::int64_t length) {
    const std::int64_t period = 2 * length;
    const std::int64_t at = (place % period + period) % period;
    return at < length ? at : period - 1 - at;
}

SuperResolutionSettings read(const Settings& settings) {
    return {settings.integer("factor"), settings.is_word("kind", "average")};
}

void check_factor(std::int64_t factor, const Shape& image) {
    if (factor >= 1 && image.height % factor == 0 && image.width % factor == 0) return;
    throw std::invalid_argument("super_resolution.factor: " + std::to_string(factor) +
                                ", allowed is what divides both sides of images of " + std::to_string(image.height) +
                                "x" + std::to_string(image.width));
}

}  // namespace

at::Tensor downscaling_weights(std::int64_t length, const SuperResolutionSettings& settings) {
    const std::int64_t factor = settings.factor;
    at::Tensor weights = at::zeros({length / factor, length}, at::kDouble);
    double* row = weights.mutable_data_ptr<double>();
    for (std::int64_t i = 0; i < length / factor; ++i, row += length) {
        if (settings.is_average) {
            for (std::int64_t j = i * factor; j < (i + 1) * factor; ++j) row[j] = 1.0 / static_cast<double>(factor);
            continue;
        }
        const double centre = static_cast<double>(factor * i) + static_cast<double>(factor - 1) / 2;
        const std::int64_t first = factor * i - 2 * factor, last = factor * (i + 1) + 2 * factor;
        const auto weight = [&](std::int64_t j) {
            return cubic((centre - static_cast<double>(j)) / static_cast<double>(factor));
        };
        double sum = 0;
        for (std::int64_t j = first; j <= last; ++j) sum += weight(j);
        for (std::int64_t j = first; j <= last; ++j) row[mirrored(j, length)] += weight(j) / sum;
    }
    return weights;
}

SuperResolution::SuperResolution(const SuperResolutionSettings& settings, Shape image_shape)
    : LinearOperator("super_resolution", image_shape,
                     {image_shape.channels, image_shape.height / settings.factor, image_shape.width / settings.factor}),
      factor_(settings.factor) {
    check_factor(factor_, image_shape);
    double_ = {downscaling_weights(image_shape.height, settings), downscaling_weights(image_shape.width, settings)};
    float_ = {double_.vertical.to(at::kFloat), double_.horizontal.to(at::kFloat)};
}

const SuperResolution::Weights& SuperResolution::weights_for(const at::Tensor& images) const {
    const Weights& weights = images.scalar_type() == at::kFloat ? float_ : double_;
    if (images.is_cpu()) return weights;
    if (!on_device_.vertical.defined() || on_device_.vertical.device() != images.device()) {
        on_device_ = {weights.vertical.to(images.device()), weights.horizontal.to(images.device())};
    }
    return on_device_;
}

at::Tensor SuperResolution::apply_forward(const at::Tensor& x) const {
    const FullPrecision full;
    const auto& [V, W] = weights_for(x);
    return at::matmul(at::matmul(V, x), W.t());
}

at::Tensor SuperResolution::apply_adjoint(const at::Tensor& y) const {
    const FullPrecision full;
    const auto& [V, W] = weights_for(y);
    return at::matmul(at::matmul(V.t(), y), W);
}

at::Tensor SuperResolution::as_image(const at::Tensor& y) const {
    check_shape(y, y_shape(), "y");
    return at::repeat_interleave(at::repeat_interleave(y, factor_, 2), factor_, 3);
}

void resolve_super_resolution(Settings& settings, const Shape& image) {
    check_factor(settings.integer("factor"), image);
}

std::unique_ptr<MeasurementOperator> make_super_resolution(const Settings& settings, const Shape& image,
                                                           const Parameters& /*parameters*/) {
    return std::make_unique<SuperResolution>(read(settings), image);
}

}  // namespace operators
