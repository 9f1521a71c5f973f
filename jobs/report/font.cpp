#include "jobs/report/font.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <cstddef>

#include "pipeline/data/image_file.h"

// First byte of font.png and the byte after the last; the storage is in font_atlas.S.
extern "C" const char diffinv_font_begin[];
extern "C" const char diffinv_font_end[];

namespace jobs {

namespace {

/// A face's cells in font.png, as make_font.py laid them out.
struct FaceCells {
    int width;
    int height;
    int top;  ///< Its first line of pixels.
};

constexpr int cells_a_line = 32;
constexpr char32_t first_ascii = U' ';
constexpr char32_t last_ascii = U'~';
constexpr std::u32string_view other_characters = U"±×−–…·σζλγη→°≥≤";
constexpr int cell_lines =
    (static_cast<int>(last_ascii - first_ascii + 1 + other_characters.size()) + cells_a_line - 1) / cells_a_line;
constexpr FaceCells regular_cells{8, 16, 0};
constexpr FaceCells bold_cells{10, 20, cell_lines* regular_cells.height};

const FaceCells& cells(Face face) {
    return face == Face::regular ? regular_cells : bold_cells;
}

/// Place of a character in a face; −1 where it has none.
int place_of(char32_t character) {
    if (character >= first_ascii && character <= last_ascii) return static_cast<int>(character - first_ascii);
    const std::size_t other = other_characters.find(character);
    return other == std::u32string_view::npos ? -1 : static_cast<int>(last_ascii - first_ascii + 1 + other);
}

/// font.png, [H, W], uint8, decoded once.
const at::Tensor& glyph_atlas() {
    static const at::Tensor levels = [] {
        const std::string_view bytes(diffinv_font_begin,
                                     static_cast<std::size_t>(diffinv_font_end - diffinv_font_begin));
        return pipeline::decode_image(bytes, "font.png")
            .select(0, 0)
            .add(1)
            .mul(127.5)
            .round()
            .to(at::kByte)
            .contiguous();
    }();
    return levels;
}

/// The character that begins at `text[at]`, which is moved behind it; 0 for bytes that are no UTF-8.
char32_t next_character(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) return lead;
    const int following = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : -1;
    if (following < 0) return 0;
    char32_t character = lead & (0x3f >> following);
    for (int i = 0; i < following; ++i) {
        if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return 0;
        character = character << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
    }
    return character;
}

}  // namespace

int glyph_width(Face face) {
    return cells(face).width;
}
int glyph_height(Face face) {
    return cells(face).height;
}

std::u32string drawable(std::string_view text) {
    std::u32string characters;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t character = next_character(text, at);
        characters += place_of(character) < 0 ? U'?' : character;
    }
    return characters;
}

std::uint8_t ink(Face face, char32_t character, int x, int y) {
    const FaceCells& size = cells(face);
    const int place = place_of(character);
    const at::Tensor& atlas = glyph_atlas();
    const std::int64_t row = size.top + place / cells_a_line * size.height + y;
    const std::int64_t column = place % cells_a_line * size.width + x;
    return atlas.const_data_ptr<std::uint8_t>()[row * atlas.size(1) + column];
}

}  // namespace jobs
