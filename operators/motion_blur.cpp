#include "operators/motion_blur.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>

#include "operators/blur.h"
#include "operators/parameter.h"

namespace operators {
namespace {

using Point = std::complex<double>;

/// The uniforms of one image's kernel, one after the other.
class Draws {
  public:
    Draws(const NoiseStream& noise, std::uint64_t image) : numbers_(most) {
        noise.uniform({.purpose = Purpose::kernel, .image = image}, numbers_);
    }
    bool is_empty() const { return next_ + 2 > numbers_.size(); }
    double uniform() { return numbers_.at(next_++); }
    /// By inversion of F(x) = 1 − (1 − x)^b.
    double beta_1(double b) { return 1 - std::pow(1 - uniform(), 1 / b); }
    /// Beta(2, 20) is the second smallest of 21 uniforms.
    double beta_2_20() {
        std::vector<double> sorted(21);
        for (double& u : sorted) u = uniform();
        std::ranges::nth_element(sorted, sorted.begin() + 1);
        return sorted[1];
    }
    /// On [0, high], by inversion.
    double triangular(double mode, double high) {
        const double u = uniform();
        if (high <= 0) return 0;
        if (u * high < mode) return std::sqrt(u * high * mode);
        return high - std::sqrt((1 - u) * high * (high - mode));
    }

  private:
    static constexpr std::size_t most = 4096;
    std::vector<double> numbers_;
    std::size_t next_ = 0;
};

/// The camera's path on a canvas of twice the kernel's size, centred at 0.
std::vector<Point> shaken_path(const MotionBlurSettings& settings, Draws& draws) {
    const double intensity = settings.intensity;
    const double diagonal = std::sqrt(2.0) * 2 * static_cast<double>(settings.size);
    const double first = draws.uniform(), second = draws.uniform();
    const double length = 0.75 * diagonal * (first + second * intensity * intensity);
    const double widest = draws.uniform() * intensity * std::numbers::pi;
    const double jitter = draws.beta_2_20();

    std::vector<Point> path{0};
    double walked = 0, side = 1;
    while (walked < length && !draws.is_empty()) {
        const double step = std::min((1.1 - intensity) * diagonal * draws.beta_1(30), length - walked);
        if (draws.is_empty()) break;
        const double heading = draws.triangular(intensity * widest, widest);
        if (draws.is_empty()) break;
        if (draws.uniform() < jitter) side = -side;
        path.push_back(path.back() + std::polar(step, side * heading));
        walked += step;
    }
    Point mean = 0;
    for (const Point& point : path) mean += point / static_cast<double>(path.size());
    const Point turn = std::polar(1.0, draws.uniform() * std::numbers::pi);
    for (Point& point : path) point = (point - mean) * turn;
    return path;
}

/// Adds `weight` at a place between four pixels; what falls outside is lost.
void splat(std::vector<double>& canvas, std::int64_t size, const Point& place, double weight) {
    const double left = std::floor(place.real()), top = std::floor(place.imag());
    for (const int right : {0, 1}) {
        for (const int down : {0, 1}) {
            const auto column = static_cast<std::int64_t>(left) + right, row = static_cast<std::int64_t>(top) + down;
            if (column < 0 || row < 0 || column >= size || row >= size) continue;
            const double across = 1 - std::abs(place.real() - static_cast<double>(column));
            const double along = 1 - std::abs(place.imag() - static_cast<double>(row));
            canvas[static_cast<std::size_t>(row * size + column)] += weight * across * along;
        }
    }
}

/// The path at half size in the middle of the kernel, weighted by its length, of sum 1.
std::vector<double> drawn_path(const std::vector<Point>& path, std::int64_t size) {
    std::vector<double> canvas(static_cast<std::size_t>(size * size));
    const Point middle(static_cast<double>(size / 2), static_cast<double>(size / 2));
    constexpr double spacing = 0.1;  // pixels
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        const Point from = path[i] / 2.0 + middle, step = (path[i + 1] - path[i]) / 2.0;
        const int pieces = std::max(1, static_cast<int>(std::abs(step) / spacing));
        for (int piece = 0; piece < pieces; ++piece) {
            splat(canvas, size, from + step * ((piece + 0.5) / pieces), std::abs(step) / pieces);
        }
    }
    double sum = 0;
    for (const double value : canvas) sum += value;
    if (!(sum > 0)) {
        // A path of no length, or all of it outside: a camera that stood still
        std::ranges::fill(canvas, 0.0);
        canvas[static_cast<std::size_t>(size / 2 * size + size / 2)] = sum = 1;
    }
    for (double& value : canvas) value /= sum;
    return canvas;
}

}  // namespace

void resolve_motion_blur(Settings& settings, const Shape& image) {
    // Mirroring needs ⌊size/2⌋ below the side.
    const std::int64_t largest = 2 * std::min(image.height, image.width) - 1;
    if (settings.is_word("size", "auto")) settings.set("size", std::min<std::int64_t>(61, largest));
    const std::int64_t size = settings.integer("size");
    if (size % 2 == 1 && size <= largest) return;
    throw std::invalid_argument("motion_blur.size: " + std::to_string(size) + ", allowed is an odd integer from 3 to " +
                                std::to_string(largest) + " for images of " + std::to_string(image.height) + "x" +
                                std::to_string(image.width));
}

Parameters draw_motion_blur(const Settings& settings, const Shape& /*image*/, const NoiseStream& noise,
                            std::span<const std::uint64_t> images) {
    const MotionBlurSettings motion{settings.integer("size"), settings.real("intensity")};
    at::Tensor kernels = at::empty({static_cast<std::int64_t>(images.size()), 1, motion.size, motion.size}, at::kFloat);
    float* tap = kernels.mutable_data_ptr<float>();
    for (const std::uint64_t image : images) {
        Draws draws(noise, image);
        for (const double value : drawn_path(shaken_path(motion, draws), motion.size))
            *tap++ = static_cast<float>(value);
    }
    return {{"kernel", kernels}};
}

std::unique_ptr<MeasurementOperator> make_motion_blur(const Settings& /*settings*/, const Shape& image,
                                                      const Parameters& parameters) {
    return std::make_unique<Blur>("motion_blur", required_parameter(parameters, "kernel", "motion_blur"), image);
}

}  // namespace operators
