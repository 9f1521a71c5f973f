#include "pipeline/data/file_error.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace pipeline {

namespace {

/// Length of the well-formed UTF-8 sequence at the front of `text` (RFC 3629: no overlong forms, no surrogates); 0
/// where there is none.
std::size_t utf8_sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const bool is_overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    const bool is_outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
    return is_overlong || is_outside ? 0 : length;
}

/// C0, DEL and C1 control characters: all that a terminal may obey. Also the line separators U+2028/9 and the
/// characters that turn the direction of text, with which a name can look like another.
bool is_control_sequence(std::string_view sequence) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
    if (sequence.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
    if (sequence.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
    if (sequence.size() != 3 || byte(0) != 0xe2) return false;
    return (byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) ||
           (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

}  // namespace

std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
        if (length == 0 || is_control_sequence(sequence)) {
            for (const char character : sequence) {
                const auto value = static_cast<unsigned char>(character);
                result += {'\\', 'x', digits[value >> 4], digits[value & 15]};
            }
        } else {
            result += sequence;
        }
        text.remove_prefix(sequence.size());
    }
    return result;
}

FileError::FileError(const std::filesystem::path& path, const std::string& reason)
    : std::runtime_error(printable(path.string()) + ": " + printable(reason)) {}

}  // namespace pipeline
