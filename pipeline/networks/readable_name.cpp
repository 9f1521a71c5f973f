#include "pipeline/networks/readable_name.h"

#include <cstddef>

namespace pipeline {
namespace {

/// Length of the UTF-8 sequence at the front of `text`; 0 where there is no valid one.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0U) == 0x80U; };
    const unsigned char lead = byte(0);
    if (lead < 0x80U) return 1;
    if (lead >= 0xC2U && lead <= 0xDFU) return continues(1) ? 2 : 0;
    if (lead >= 0xE0U && lead <= 0xEFU) {
        // No overlong forms, no surrogates.
        if (!continues(1) || !continues(2)) return 0;
        if ((lead == 0xE0U && byte(1) < 0xA0U) || (lead == 0xEDU && byte(1) > 0x9FU)) return 0;
        return 3;
    }
    if (lead >= 0xF0U && lead <= 0xF4U) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        if ((lead == 0xF0U && byte(1) < 0x90U) || (lead == 0xF4U && byte(1) > 0x8FU)) return 0;
        return 4;
    }
    return 0;
}

/// C0, DEL, C1 (U+0080 … U+009F), and the line, paragraph and direction marks that rearrange a terminal's line.
bool is_control(std::string_view sequence) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
    if (sequence.size() == 1) return byte(0) < 0x20U || byte(0) == 0x7FU;
    if (sequence.size() == 2) return byte(0) == 0xC2U && byte(1) < 0xA0U;
    if (sequence.size() != 3 || byte(0) != 0xE2U) return false;
    if (byte(1) == 0x80U) return (byte(2) >= 0x8EU && byte(2) <= 0x8FU) || (byte(2) >= 0xA8U && byte(2) <= 0xAEU);
    return byte(1) == 0x81U && byte(2) >= 0xA6U && byte(2) <= 0xA9U;
}

}  // namespace

std::string readable_name(std::string_view name) {
    constexpr std::size_t longest = 200;
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < name.size();) {
        if (i >= longest) return text + "…";
        const std::size_t length = sequence_length(name.substr(i));
        const std::string_view sequence = name.substr(i, length == 0 ? 1 : length);
        if (length != 0 && !is_control(sequence)) {
            text += sequence;
        } else {
            for (const char c : sequence) {
                const auto value = static_cast<unsigned char>(c);
                text += "\\x";
                text += digits[value >> 4U];
                text += digits[value & 15U];
            }
        }
        i += sequence.size();
    }
    return text;
}

}  // namespace pipeline
