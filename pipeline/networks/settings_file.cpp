#include "pipeline/networks/settings_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <system_error>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

constexpr std::uintmax_t largest_settings_file = 16U << 20U;
constexpr int deepest_settings = 64;

/// JSON text for a message, on one line and not too long.
std::string value_text(const nlohmann::json& value) {
    return readable_name(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// One number of a list in a string, spaces around it allowed; NaN where it is none.
double parse_list_item(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return std::nan("");
    text = text.substr(first, text.find_last_not_of(' ') - first + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? value : std::nan("");
}

}  // namespace

nlohmann::json read_settings_file(const std::filesystem::path& path) {
    const std::string file = readable_name(path.string());
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) throw CheckpointError(file + ": no such file");
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) throw CheckpointError(file + ": " + error.message());
    if (size > largest_settings_file) {
        throw CheckpointError(file + ": " + std::to_string(size) + " bytes are too many for a settings file");
    }
    std::ifstream stream(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (!stream) throw CheckpointError(file + ": cannot be read");
    if (text.find('\0') != std::string::npos) throw CheckpointError(file + ": not valid JSON: it holds a NUL byte");

    // The library keeps the last of equal keys; here they are an error.
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
        if (depth > deepest_settings) {
            throw CheckpointError(file + ": nested more than the allowed " + std::to_string(deepest_settings) +
                                  " deep");
        }
        if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
        if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
        if (event == nlohmann::json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
            throw CheckpointError(file + ": '" + readable_name(value.get<std::string>()) + "' occurs twice");
        }
        return true;
    };
    try {
        nlohmann::json settings = nlohmann::json::parse(text, watch);
        if (!settings.is_object()) throw CheckpointError(file + ": holds no JSON object");
        return settings;
    } catch (const nlohmann::json::exception& exception) {
        throw CheckpointError(file + ": not valid JSON: " + readable_name(exception.what()));
    }
}

void Flags::refuse(const std::string& name, const std::string& value, const std::string& allowed) const {
    throw CheckpointError(file_ + ": " + name + " is " + value + ", allowed " + allowed);
}

bool Flags::has(const std::string& name) const {
    for (const auto& section : sections_) {
        if (section.contains(name)) return true;
    }
    return false;
}

const nlohmann::json* Flags::find(const std::string& name) {
    looked_up_.insert(name);
    const nlohmann::json* found = nullptr;
    for (const auto& section : sections_) {
        const auto flag = section.find(name);
        if (flag == section.end()) continue;
        if (found != nullptr && *found != *flag) {
            throw CheckpointError(file_ + ": " + name + " is " + value_text(*found) + " in one place and " +
                                  value_text(*flag) + " in another");
        }
        found = &*flag;
    }
    if (found != nullptr) return found;
    const auto fallback = fallback_.find(name);
    return fallback == fallback_.end() ? nullptr : &*fallback;
}

std::int64_t Flags::integer(const std::string& name, std::int64_t absent, std::int64_t first, std::int64_t last) {
    const nlohmann::json* flag = find(name);
    if (flag == nullptr) return absent;
    const bool is_negative = flag->is_number_integer() && !flag->is_number_unsigned() && flag->get<std::int64_t>() < 0;
    const bool is_in_range =
        flag->is_number_integer() && (is_negative ? flag->get<std::int64_t>() >= first
                                                  : flag->get<std::uint64_t>() <= static_cast<std::uint64_t>(last) &&
                                                        flag->get<std::int64_t>() >= first);
    if (!is_in_range) {
        refuse(name, value_text(*flag), "are whole numbers " + std::to_string(first) + " to " + std::to_string(last));
    }
    return flag->get<std::int64_t>();
}

bool Flags::boolean(const std::string& name, bool absent) {
    const nlohmann::json* flag = find(name);
    if (flag == nullptr) return absent;
    if (!flag->is_boolean()) refuse(name, value_text(*flag), "are true and false");
    return flag->get<bool>();
}

double Flags::number(const std::string& name, double absent) {
    const nlohmann::json* flag = find(name);
    if (flag == nullptr) return absent;
    if (!flag->is_number()) refuse(name, value_text(*flag), "are numbers");
    return flag->get<double>();
}

std::string Flags::word(const std::string& name, const std::string& absent, const std::vector<std::string>& allowed) {
    const nlohmann::json* flag = find(name);
    if (flag == nullptr) return absent;
    std::string words;
    for (const std::string& word : allowed) {
        if (flag->is_string() && flag->get<std::string>() == word) return word;
        words += (words.empty() ? "" : ", ") + word;
    }
    refuse(name, value_text(*flag), (allowed.size() == 1 ? "is " : "are ") + words);
}

std::string Flags::text(const std::string& name, const std::string& absent) {
    const nlohmann::json* flag = find(name);
    return flag == nullptr ? absent : value_text(*flag);
}

std::vector<double> Flags::numbers(const std::string& name, const std::string& absent) {
    const nlohmann::json* flag = find(name);
    const nlohmann::json value = flag == nullptr ? nlohmann::json(absent) : *flag;
    std::vector<double> numbers;
    if (value.is_array()) {
        for (const auto& item : value) numbers.push_back(item.is_number() ? item.get<double>() : std::nan(""));
    } else if (value.is_string()) {
        const auto text = value.get<std::string>();
        for (std::size_t start = 0; !text.empty() && start <= text.size();) {
            const std::size_t comma = std::min(text.find(',', start), text.size());
            numbers.push_back(parse_list_item(std::string_view(text).substr(start, comma - start)));
            start = comma + 1;
        }
    } else {
        numbers.push_back(std::nan(""));
    }
    for (const double item : numbers) {
        if (!std::isfinite(item)) refuse(name, value_text(value), "are lists such as \"1,2,2\" or [1, 2, 2]");
    }
    return numbers;
}

void Flags::note_if_absent(const std::string& name, const std::string& value) {
    if (has(name)) return;
    const auto fallback = fallback_.find(name);
    if (fallback == fallback_.end()) {
        note(name + " is not given: " + value + " assumed, " + family_ + " default");
    } else {
        note(name + " is not given: " + value_text(*fallback) + ", from " + fallback_source_);
    }
}

std::size_t Flags::known() const {
    std::size_t count = 0;
    for (const std::string& name : looked_up_) count += has(name) ? 1 : 0;
    return count;
}

std::vector<std::string> Flags::unknown() const {
    std::set<std::string> names;
    for (const auto& section : sections_) {
        for (const auto& [name, value] : section.items()) {
            if (!looked_up_.contains(name)) names.insert(readable_name(name));
        }
    }
    return {names.begin(), names.end()};
}

}  // namespace pipeline
