#include "jobs/report/canvas.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "operators/shape.h"
#include "pipeline/data/image_file.h"

namespace jobs {

namespace {

std::size_t pixel_bytes(int width, int height) {
    if (width < 1 || height < 1 || std::int64_t{width} * height > pipeline::image_pixel_limit) {
        throw std::invalid_argument("picture: " + std::to_string(width) + " x " + std::to_string(height) +
                                    " pixels, allowed are 1 to " + std::to_string(pipeline::image_pixel_limit) +
                                    " in all");
    }
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
}

/// 0 … 255 in three channels.
at::Tensor displayed(const at::Tensor& image) {
    if (image.dim() != 3 || (image.size(2) != 1 && image.size(2) != 3)) {
        throw std::invalid_argument("picture: image is " + operators::shape_of(image) + ", expected [H, W, 1 or 3]");
    }
    return image.to(at::kFloat)
        .nan_to_num(0, 0, 0)
        .clamp(-1, 1)
        .add(1)
        .mul(127.5)
        .round()
        .to(at::kByte)
        .expand({image.size(0), image.size(1), 3})
        .contiguous();
}

}  // namespace

Canvas::Canvas(int width, int height, Colour paper)
    : width_(width), height_(height), pixels_(pixel_bytes(width, height)) {
    fill(0, 0, width, height, paper);
}

Colour Canvas::at(int x, int y) const {
    const std::size_t place =
        (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 3;
    return {pixels_.at(place), pixels_.at(place + 1), pixels_.at(place + 2)};
}

void Canvas::blend(int x, int y, Colour colour, int alpha) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
    const std::size_t place =
        (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) * 3;
    const std::uint8_t levels[] = {colour.red, colour.green, colour.blue};
    for (std::size_t channel = 0; channel < 3; ++channel) {
        const int old = pixels_[place + channel];
        pixels_[place + channel] =
            static_cast<std::uint8_t>((old * (255 - alpha) + levels[channel] * alpha + 127) / 255);
    }
}

void Canvas::fill(int x, int y, int width, int height, Colour colour) {
    for (int row = y; row < y + height; ++row) {
        for (int column = x; column < x + width; ++column) blend(column, row, colour, 255);
    }
}

void Canvas::draw_text(int x, int y, std::string_view text, Face face, Colour colour) {
    for (const char32_t character : drawable(text)) {
        for (int row = 0; row < glyph_height(face); ++row) {
            for (int column = 0; column < glyph_width(face); ++column) {
                blend(x + column, y + row, colour, ink(face, character, column, row));
            }
        }
        x += glyph_width(face);
    }
}

void Canvas::draw_image(int x, int y, const at::Tensor& image, int scale) {
    const at::Tensor levels = displayed(image);
    const auto* level = levels.const_data_ptr<std::uint8_t>();
    for (int row = 0; row < levels.size(0); ++row) {
        for (int column = 0; column < levels.size(1); ++column, level += 3) {
            fill(x + column * scale, y + row * scale, scale, scale, {level[0], level[1], level[2]});
        }
    }
}

void Canvas::save(const std::filesystem::path& path) const {
    // The tensor only looks at the pixels, although its type cannot say so.
    auto* pixels = const_cast<std::uint8_t*>(pixels_.data());
    pipeline::write_png(path, at::from_blob(pixels, {height_, width_, 3}, at::TensorOptions().dtype(at::kByte)));
}

int text_width(std::string_view text, Face face) {
    return static_cast<int>(drawable(text).size()) * glyph_width(face);
}

std::string fitted(std::string_view text, Face face, int width) {
    if (text_width(text, face) <= width) return std::string(text);
    // Cut between characters: bytes 10xxxxxx continue one.
    std::string cut(text);
    while (!cut.empty() && text_width(cut, face) + glyph_width(face) > width) {
        while (!cut.empty() && (static_cast<unsigned char>(cut.back()) & 0xc0) == 0x80) cut.pop_back();
        if (!cut.empty()) cut.pop_back();
    }
    return cut + "…";
}

}  // namespace jobs
