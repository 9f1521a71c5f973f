#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "jobs/report/canvas.h"

namespace jobs {

/// The look of all pictures.
inline constexpr Colour paper_colour{252, 252, 250};
inline constexpr Colour ink_colour{32, 34, 38};
inline constexpr Colour faint_colour{110, 114, 122};
inline constexpr Colour line_colour{214, 214, 208};
inline constexpr Colour empty_colour{236, 236, 232};
inline constexpr int picture_margin = 24;

/// The size at which images are shown: enlarged by whole numbers (64 pixels twice) or, beyond 256 pixels, averaged.
class Tile {
  public:
    Tile(std::int64_t image_height, std::int64_t image_width);
    int height() const { return height_; }
    int width() const { return width_; }

    /// Draws an image [y, x, channel] on [−1, 1] with its upper left corner there.
    void draw(Canvas& canvas, int x, int y, const at::Tensor& image) const;
    /// Draws an empty tile with a word in it, where there is no image to show.
    void draw_empty(Canvas& canvas, int x, int y, std::string_view word) const;
    /// A line below a tile, in its middle.
    void draw_caption(Canvas& canvas, int x, int y, std::string_view text, Colour colour) const;

  private:
    int enlarged_ = 1;
    int averaged_ = 1;
    int height_;
    int width_;
};

/// "method" and each setting on a line of its own, fitted to a tile's width; a setting too long for it is its value.
std::vector<std::string> column_heading(const std::string& method, const std::vector<std::string>& settings, int width);

}  // namespace jobs
