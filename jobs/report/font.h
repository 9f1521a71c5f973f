#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jobs {

/// The two faces that pictures are labelled with: DejaVu Sans Mono at 13 pixels, and its bold at 16 for headings.
enum class Face { regular, bold };

/// Every character of a face takes a cell of this size, pixels.
int glyph_width(Face face);
int glyph_height(Face face);

/// UTF-8 as characters that the font has; any other, and what is no UTF-8, becomes '?'.
std::u32string drawable(std::string_view text);

/// How much of a pixel of a character's cell is ink, 0 … 255.
/// @param x, y  from the upper left, below `glyph_width` and `glyph_height`
std::uint8_t ink(Face face, char32_t character, int x, int y);

}  // namespace jobs
