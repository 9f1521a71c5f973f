#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace operators {

/// What a setting's value is. `path` is a word that the job file resolves relative to itself.
enum class OptionType { integer, real, boolean, word, path };

/// Bounds for what must not be reached itself: the first double above 0, the last below 1. Written as "> 0" and "< 1".
inline constexpr double above_zero = std::numeric_limits<double>::denorm_min();
inline constexpr double below_one = 1 - std::numeric_limits<double>::epsilon() / 2;

/// One setting of a method or an operator, as the job file, the command line, `list`, the manual and the result columns
/// know it. The tables of these stand beside the settings struct that they fill.
struct Option {
    std::string_view name;  ///< As in a job file, with hyphens: `t-start`.
    OptionType type;
    std::string_view default_text;  ///< As a user would write it; empty where the value must be given.
    double minimum = -std::numeric_limits<double>::infinity();
    double maximum = std::numeric_limits<double>::infinity();
    bool is_axis = false;  ///< May be a list, each item of which is a point of the sweep.
    std::string_view words =
        {};  ///< Words allowed, separated by '|'; beside numbers where the type is a number (`auto`).
    std::string_view unit = {};   ///< "pixels", "timesteps"; empty for pure numbers.
    std::string_view help = {};   ///< One sentence.
    std::string_view paper = {};  ///< Author, year, equation, where the setting comes from one.
};

/// A parsed value. A number's word (`auto`) is held as a string until `resolve` has replaced it.
using Value = std::variant<std::int64_t, double, bool, std::string>;

/// The value as a job file would write it: shortest form that reads back to the same number; yes and no.
std::string to_string(const Value& value);

/// Parses one item of an option's value.
/// @throws std::invalid_argument  with the sentence that says what is allowed ("a number from 0 to 1", "one of code,
/// paper").
Value parse_value(const Option& option, std::string_view text);

/// What an option allows, in words: "an integer from 1 to 4096", "one of code, paper", "a number ≥ 0, or auto".
std::string allowed_values(const Option& option);

/// The settings of one method or operator at one point of the sweep: a value for every option of its table, by name.
class Settings {
  public:
    /// All defaults of a table; options without default are left out.
    static Settings defaults(std::span<const Option> table);

    bool contains(std::string_view name) const { return values_.find(name) != values_.end(); }
    const Value& at(std::string_view name) const;
    void set(std::string_view name, Value value) { values_.insert_or_assign(std::string(name), std::move(value)); }

    std::int64_t integer(std::string_view name) const { return std::get<std::int64_t>(at(name)); }
    double real(std::string_view name) const { return std::get<double>(at(name)); }
    bool boolean(std::string_view name) const { return std::get<bool>(at(name)); }
    const std::string& word(std::string_view name) const { return std::get<std::string>(at(name)); }

    /// True where the value is this word: `is_word("zeta", "auto")`.
    bool is_word(std::string_view name, std::string_view word) const;

    auto begin() const { return values_.begin(); }
    auto end() const { return values_.end(); }
    bool operator==(const Settings&) const = default;

  private:
    std::map<std::string, Value, std::less<>> values_;
};

}  // namespace operators
