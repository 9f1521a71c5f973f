#include "jobs/job_values.h"

#include <algorithm>
#include <stdexcept>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

std::string without_blanks(const std::string& text) {
    const auto first = text.find_first_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

void refuse(const std::string& where, const std::string& reason) {
    throw JobError(where + ": " + reason);
}

std::vector<std::string> items_of(const GivenOption& given, const operators::Option& option) {
    // A path may hold commas and is never an axis.
    if (option.type == operators::OptionType::path) {
        if (given.value.empty()) refuse(given.where, "empty; allowed: " + operators::allowed_values(option));
        return {given.value};
    }
    std::vector<std::string> items;
    for (std::size_t begin = 0; begin <= given.value.size();) {
        const std::size_t comma = std::min(given.value.find(',', begin), given.value.size());
        items.push_back(without_blanks(given.value.substr(begin, comma - begin)));
        begin = comma + 1;
    }
    if (items.size() > 1 && !option.is_axis) {
        refuse(given.where, "a list, but this option is no axis; allowed: one value");
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].empty()) {
            refuse(given.where, items.size() == 1 ? "empty; allowed: " + operators::allowed_values(option)
                                                  : "an empty item; allowed: values separated by single commas");
        }
        if (std::find(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i), items[i]) !=
            items.begin() + static_cast<std::ptrdiff_t>(i)) {
            refuse(given.where, pipeline::printable(items[i]) + " is repeated; allowed: each value once");
        }
    }
    return items;
}

std::vector<operators::Value> values_of(const GivenOption& given, const operators::Option& option) {
    std::vector<operators::Value> values;
    for (const std::string& item : items_of(given, option)) {
        try {
            operators::Value value = operators::parse_value(option, item);
            // 0.1 and 0.10 are one point of a sweep.
            if (std::find(values.begin(), values.end(), value) != values.end()) {
                refuse(given.where, pipeline::printable(item) + " is repeated; allowed: each value once");
            }
            values.push_back(std::move(value));
        } catch (const std::invalid_argument& allowed) {
            const std::string which =
                item == given.value ? "not a value" : pipeline::printable(item) + " is not a value";
            refuse(given.where, which + "; allowed: " + allowed.what());
        }
    }
    return values;
}

}  // namespace jobs
