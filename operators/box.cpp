#include "operators/box.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <ATen/ops/ones.h>

#include "operators/inpainting.h"
#include "operators/parameter.h"

namespace operators {
namespace {

BoxSettings read_box(const Settings& settings) {
    return {settings.integer("size"), settings.integer("margin"), settings.is_word("position", "centre")};
}

std::string size_text(const Shape& image) {
    return std::to_string(image.height) + "x" + std::to_string(image.width);
}

}  // namespace

void resolve_box(Settings& settings, const Shape& image) {
    const std::int64_t side = std::min(image.height, image.width);
    if (settings.is_word("size", "auto")) settings.set("size", side / 2);
    if (settings.is_word("margin", "auto")) settings.set("margin", side / 16);

    // A random corner lies in margin … side − size − margin − 1.
    const BoxSettings box = read_box(settings);
    const std::int64_t largest = box.is_centred ? side : side - 2 * box.margin - 1;
    if (box.size >= 1 && box.size <= largest) return;
    const std::string where = box.is_centred ? "" : " with box.margin " + std::to_string(box.margin);
    throw std::invalid_argument("box.size: " + std::to_string(box.size) + where + " does not fit images of " +
                                size_text(image) + ", allowed is " +
                                (largest < 1 ? std::string("none") : "1 to " + std::to_string(largest)));
}

Parameters draw_box(const Settings& settings, const Shape& image, const NoiseStream& noise,
                    std::span<const std::uint64_t> images) {
    const BoxSettings box = read_box(settings);
    const auto rows = static_cast<std::int64_t>(images.size());
    at::Tensor mask = at::ones({rows, 1, image.height, image.width}, at::kFloat);

    for (std::int64_t row = 0; row < rows; ++row) {
        std::int64_t top = (image.height - box.size) / 2;
        std::int64_t left = (image.width - box.size) / 2;
        if (!box.is_centred) {
            std::array<double, 2> u{};
            noise.uniform({.purpose = Purpose::mask, .image = images[static_cast<std::size_t>(row)]}, u);
            const auto corner = [&](double uniform, std::int64_t side) {
                return box.margin + static_cast<std::int64_t>(uniform * double(side - box.size - 2 * box.margin));
            };
            top = corner(u[0], image.height);
            left = corner(u[1], image.width);
        }
        mask.select(0, row).slice(1, top, top + box.size).slice(2, left, left + box.size).zero_();
    }
    return {{"mask", mask}};
}

std::unique_ptr<MeasurementOperator> make_box(const Settings& /*settings*/, const Shape& image,
                                              const Parameters& parameters) {
    return std::make_unique<Inpainting>("box", required_parameter(parameters, "mask", "box"), image);
}

}  // namespace operators
