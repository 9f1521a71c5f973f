#include "workers/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace workers {

namespace {

/// The next code point of UTF-8 text, and how many bytes it takes; a byte that begins none is one of its own.
std::pair<char32_t, std::size_t> next_point(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
    if (length == 1 || length > text.size()) return {first, 1};
    auto point = static_cast<char32_t>(first & (0xFF >> (length + 1)));
    for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((byte & 0xC0) != 0x80) return {first, 1};
        point = point << 6 | (byte & 0x3F);
    }
    return {point, length};
}

int columns_of_point(char32_t point) {
    const bool is_combining = (point >= 0x300 && point <= 0x36F) || point == 0x200B || point == 0x200D ||
                              (point >= 0xFE00 && point <= 0xFE0F);
    if (is_combining) return 0;
    const bool is_wide = (point >= 0x1100 && point <= 0x115F) || (point >= 0x2E80 && point <= 0xA4CF) ||
                         (point >= 0xAC00 && point <= 0xD7A3) || (point >= 0xF900 && point <= 0xFAFF) ||
                         (point >= 0xFE30 && point <= 0xFE6F) || (point >= 0xFF00 && point <= 0xFF60) ||
                         (point >= 0x1F300 && point <= 0x1FAFF) || (point >= 0x20000 && point <= 0x3FFFD);
    return is_wide ? 2 : 1;
}

/// Length of an ink's sequence at the beginning of the text; 0 where there is none.
std::size_t ink_length(std::string_view text) {
    if (!text.starts_with("\033[")) return 0;
    const std::size_t end = text.find('m');
    return end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace

Terminal terminal_of(std::FILE* stream) {
    Terminal terminal;
    const int descriptor = fileno(stream);
    terminal.is_terminal = isatty(descriptor) == 1;
    if (!terminal.is_terminal) return terminal;
    const char *no_colour = std::getenv("NO_COLOR"), *kind = std::getenv("TERM");
    const bool is_dumb = kind == nullptr || std::strcmp(kind, "dumb") == 0 || *kind == '\0';
    terminal.has_colour = (no_colour == nullptr || *no_colour == '\0') && !is_dumb;
    winsize size{};
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
        terminal.width = size.ws_col;
        terminal.height = size.ws_row;
    }
    return terminal;
}

std::string inked(const Terminal& terminal, Ink ink, std::string_view text) {
    constexpr std::array<std::string_view, 6> sequences = {"",         "\033[1m",  "\033[2m",
                                                           "\033[32m", "\033[33m", "\033[31m"};
    if (!terminal.has_colour || ink == Ink::plain || text.empty()) return std::string(text);
    return std::string(sequences[static_cast<std::size_t>(ink)]) + std::string(text) + "\033[0m";
}

int columns_of(std::string_view text) {
    int columns = 0;
    while (!text.empty()) {
        if (const std::size_t ink = ink_length(text); ink > 0) {
            text.remove_prefix(ink);
            continue;
        }
        const auto [point, length] = next_point(text);
        columns += columns_of_point(point);
        text.remove_prefix(length);
    }
    return columns;
}

std::string fitted(const Terminal& terminal, const std::string& line) {
    if (terminal.width <= 0 || columns_of(line) <= terminal.width) return line;
    std::string kept;
    std::string_view rest = line;
    int columns = 0;
    bool is_inked = false;
    while (!rest.empty()) {
        if (const std::size_t ink = ink_length(rest); ink > 0) {
            kept += rest.substr(0, ink);
            is_inked = rest.substr(0, ink) != "\033[0m";
            rest.remove_prefix(ink);
            continue;
        }
        const auto [point, length] = next_point(rest);
        if (columns + columns_of_point(point) > terminal.width - 1) break;
        columns += columns_of_point(point);
        kept += rest.substr(0, length);
        rest.remove_prefix(length);
    }
    return kept + "…" + (is_inked ? "\033[0m" : "");
}

}  // namespace workers
