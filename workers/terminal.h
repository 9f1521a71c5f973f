#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace workers {

/// What may be done with a stream: colours and redrawing on a terminal alone.
struct Terminal {
    bool is_terminal = false;
    bool has_colour = false;  ///< Not with NO_COLOR set, nor on a dumb terminal.
    int width = 0;            ///< Columns; 0: no limit.
    int height = 0;           ///< Lines; 0: no limit.
};

/// @param stream  stdout or stderr
Terminal terminal_of(std::FILE* stream);

enum class Ink { plain, bold, faint, green, yellow, red };

/// The text in this ink where the terminal has colour, as it is elsewhere.
std::string inked(const Terminal& terminal, Ink ink, std::string_view text);

/// How many columns a text of one line takes: code points, of which combining marks take none and wide ones two.
int columns_of(std::string_view text);

/// The text cut to the terminal's width, with … where something is left out. Ink takes no column.
std::string fitted(const Terminal& terminal, const std::string& line);

}  // namespace workers
