#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "jobs/report/font.h"

namespace jobs {

struct Colour {
    std::uint8_t red = 0, green = 0, blue = 0;
};

/// A picture to draw on, upper left is (0, 0). What falls outside is cut off.
class Canvas {
  public:
    /// @throws std::invalid_argument  where a side is not positive or the picture has more than 2²⁸ pixels
    Canvas(int width, int height, Colour paper);

    int width() const { return width_; }
    int height() const { return height_; }
    Colour at(int x, int y) const;

    void fill(int x, int y, int width, int height, Colour colour);
    /// A line of text whose cells begin at (x, y).
    void draw_text(int x, int y, std::string_view text, Face face, Colour colour);
    /// @param image  [y, x, channel] on [−1, 1], one or three channels; values that are not finite are drawn as 0
    /// @param scale  every pixel becomes scale × scale
    void draw_image(int x, int y, const at::Tensor& image, int scale);

    /// Commits the picture as PNG.
    /// @throws pipeline::FileError
    void save(const std::filesystem::path& path) const;

  private:
    void blend(int x, int y, Colour colour, int alpha);

    int width_;
    int height_;
    std::vector<std::uint8_t> pixels_;
};

/// Width of a line of text, pixels.
int text_width(std::string_view text, Face face);

/// The text, or its beginning with an ellipsis where it would be wider than this.
std::string fitted(std::string_view text, Face face, int width);

}  // namespace jobs
