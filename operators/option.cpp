#include "operators/option.h"

#include <charconv>
#include <system_error>
#include <utility>

namespace operators {
namespace {

// Shortest text that reads back to the same double.
std::string shortest(double number) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} ? std::string(text.data(), end) : std::string("?");
}

// "code|paper" → {"code", "paper"}.
std::vector<std::string_view> split_words(std::string_view words) {
    std::vector<std::string_view> list;
    while (!words.empty()) {
        const std::size_t bar = words.find('|');
        list.push_back(words.substr(0, bar));
        words = bar == std::string_view::npos ? std::string_view{} : words.substr(bar + 1);
    }
    return list;
}

bool is_listed(std::string_view words, std::string_view text) {
    for (const std::string_view word : split_words(words)) {
        if (word == text) return true;
    }
    return false;
}

std::string listing(std::string_view words) {
    const std::vector<std::string_view> list = split_words(words);
    std::string text = list.size() > 1 ? "one of " : "";
    for (std::size_t i = 0; i < list.size(); ++i) text += (i > 0 ? ", " : "") + std::string(list[i]);
    return text;
}

bool is_integer(double number) {
    return std::floor(number) == number;
}

// "≥ 0", or "> 0" where the bound is the first double above an integer.
std::string lower_bound_text(double minimum) {
    const double below = std::nextafter(minimum, -std::numeric_limits<double>::infinity());
    return !is_integer(minimum) && is_integer(below) ? "> " + shortest(below + 0.0) : "≥ " + shortest(minimum);
}

std::string upper_bound_text(double maximum) {
    const double above = std::nextafter(maximum, std::numeric_limits<double>::infinity());
    return !is_integer(maximum) && is_integer(above) ? "< " + shortest(above + 0.0) : "≤ " + shortest(maximum);
}

// " from 0 to 1", " ≥ 0", " ≥ 0 and < 1", or nothing.
std::string range_text(double minimum, double maximum) {
    const bool has_minimum = std::isfinite(minimum);
    const bool has_maximum = std::isfinite(maximum);
    const std::string lower = has_minimum ? lower_bound_text(minimum) : "";
    const std::string upper = has_maximum ? upper_bound_text(maximum) : "";
    std::string text;
    if (has_minimum && has_maximum && lower.front() != '>' && upper.front() != '<') {
        text.append(" from ").append(shortest(minimum)).append(" to ").append(shortest(maximum));
        return text;
    }
    if (has_minimum) text.append(" ").append(lower);
    if (has_maximum) text.append(has_minimum ? " and " : " ").append(upper);
    return text;
}

// The whole text as a number of this type; from_chars takes neither blanks, a plus sign nor a hexadecimal prefix.
template <typename Number>
bool read_number(std::string_view text, Number& number) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stop == end;
}

}  // namespace

std::string to_string(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
    if (const auto* real = std::get_if<double>(&value)) return shortest(*real);
    if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "yes" : "no";
    return std::get<std::string>(value);
}

Value parse_value(const Option& option, std::string_view text) {
    const auto refuse = [&] { return std::invalid_argument(allowed_values(option)); };
    if (text.empty()) throw refuse();

    switch (option.type) {
        case OptionType::boolean:
            if (text == "yes" || text == "true") return true;
            if (text == "no" || text == "false") return false;
            throw refuse();
        case OptionType::word:
            if (!option.words.empty() && !is_listed(option.words, text)) throw refuse();
            return std::string(text);
        case OptionType::path:
            return std::string(text);
        case OptionType::integer: {
            if (is_listed(option.words, text)) return std::string(text);
            std::int64_t number = 0;
            if (!read_number(text, number)) throw refuse();
            const auto real = static_cast<double>(number);
            if (!(real >= option.minimum && real <= option.maximum)) throw refuse();
            return number;
        }
        case OptionType::real: {
            if (is_listed(option.words, text)) return std::string(text);
            double number = 0;
            if (!read_number(text, number) || !std::isfinite(number)) throw refuse();
            if (!(number >= option.minimum && number <= option.maximum)) throw refuse();
            return number + 0.0;  // −0 becomes 0, so that one setting has one spelling
        }
    }
    throw std::logic_error("parse_value: option '" + std::string(option.name) + "' has no type");
}

std::string allowed_values(const Option& option) {
    std::string text;
    switch (option.type) {
        case OptionType::boolean:
            return "yes or no";
        case OptionType::word:
            return option.words.empty() ? "a word" : listing(option.words);
        case OptionType::path:
            return "a path";
        case OptionType::integer:
            text = "an integer" + range_text(option.minimum, option.maximum);
            break;
        case OptionType::real:
            text = "a number" + range_text(option.minimum, option.maximum);
            break;
    }
    return option.words.empty() ? text : text + ", or " + listing(option.words);
}

Settings Settings::defaults(std::span<const Option> table) {
    Settings settings;
    for (const Option& option : table) {
        if (!option.default_text.empty()) settings.set(option.name, parse_value(option, option.default_text));
    }
    return settings;
}

const Value& Settings::at(std::string_view name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) throw std::out_of_range("settings: there is no value for '" + std::string(name) + "'");
    return found->second;
}

bool Settings::is_word(std::string_view name, std::string_view word) const {
    const auto* text = std::get_if<std::string>(&at(name));
    return text != nullptr && *text == word;
}

}  // namespace operators
