#include "workers/option_text.h"

#include <algorithm>
#include <sstream>

namespace workers {

namespace {

/// Columns on a terminal, for text without combining characters: bytes that begin a UTF-8 character.
std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

}  // namespace

std::string wrapped(std::string_view text, int indent, int width) {
    const std::string margin(static_cast<std::size_t>(indent), ' ');
    std::istringstream words{std::string(text)};
    std::string result, line, word;
    while (words >> word) {
        if (!line.empty() && columns(line) + 1 + columns(word) > static_cast<std::size_t>(width - indent)) {
            result += margin + line + "\n";
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
    }
    if (!line.empty()) result += margin + line + "\n";
    return result;
}

std::string option_text(std::span<const operators::Option> options, std::string_view prefix) {
    std::string text;
    for (const operators::Option& option : options) {
        std::string facts = operators::allowed_values(option);
        if (!option.unit.empty()) facts += ", " + std::string(option.unit);
        facts += option.default_text.empty() ? "; no default" : "; default " + std::string(option.default_text);
        if (option.is_axis) facts += "; may be a list";
        text += "  " + std::string(prefix) + std::string(option.name) + "  (" + facts + ")\n";
        std::string words(option.help);
        if (!option.paper.empty()) words += " [" + std::string(option.paper) + "]";
        text += wrapped(words, 6);
    }
    return text;
}

}  // namespace workers
