#include "jobs/report/tiles.h"

#include <ATen/TensorOperators.h>

#include <algorithm>

namespace jobs {

namespace {

constexpr std::int64_t smallest_tile = 128;
constexpr std::int64_t largest_tile = 256;

}  // namespace

Tile::Tile(std::int64_t image_height, std::int64_t image_width) {
    const std::int64_t side = std::max(image_height, image_width);
    enlarged_ = static_cast<int>(std::max<std::int64_t>(1, (smallest_tile + side - 1) / side));
    averaged_ = static_cast<int>((side + largest_tile - 1) / largest_tile);
    height_ = static_cast<int>(std::max<std::int64_t>(1, image_height / averaged_)) * enlarged_;
    width_ = static_cast<int>(std::max<std::int64_t>(1, image_width / averaged_)) * enlarged_;
}

void Tile::draw(Canvas& canvas, int x, int y, const at::Tensor& image) const {
    if (averaged_ == 1) {
        canvas.draw_image(x, y, image, enlarged_);
        return;
    }
    const std::int64_t rows = image.size(0) / averaged_, columns = image.size(1) / averaged_;
    const at::Tensor whole = image.narrow(0, 0, rows * averaged_).narrow(1, 0, columns * averaged_);
    const at::Tensor blocks = whole.reshape({rows, averaged_, columns, averaged_, image.size(2)});
    canvas.draw_image(x, y, blocks.mean(at::IntArrayRef{1, 3}), enlarged_);
}

void Tile::draw_empty(Canvas& canvas, int x, int y, std::string_view word) const {
    canvas.fill(x, y, width_, height_, empty_colour);
    const std::string shown = fitted(word, Face::regular, width_);
    canvas.draw_text(x + (width_ - text_width(shown, Face::regular)) / 2,
                     y + (height_ - glyph_height(Face::regular)) / 2, shown, Face::regular, faint_colour);
}

void Tile::draw_caption(Canvas& canvas, int x, int y, std::string_view text, Colour colour) const {
    const std::string shown = fitted(text, Face::regular, width_);
    canvas.draw_text(x + (width_ - text_width(shown, Face::regular)) / 2, y + height_ + 2, shown, Face::regular,
                     colour);
}

std::vector<std::string> column_heading(const std::string& method, const std::vector<std::string>& settings,
                                        int width) {
    std::vector<std::string> lines = {fitted(method, Face::regular, width)};
    for (const std::string& setting : settings) {
        const bool fits = text_width(setting, Face::regular) <= width;
        lines.push_back(fitted(fits ? setting : setting.substr(setting.find('=') + 1), Face::regular, width));
    }
    return lines;
}

}  // namespace jobs
