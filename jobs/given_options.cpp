#include "jobs/given_options.h"

#include "jobs/job_options.h"
#include "jobs/job_values.h"

namespace jobs {

namespace {

/// True for `none` where the option's words are `embedded|none`.
bool is_word_of(const operators::Option& option, const std::string& text) {
    const std::string words = "|" + std::string(option.words) + "|";
    return words.find("|" + text + "|") != std::string::npos;
}

}  // namespace

GivenMap gather_options(const std::filesystem::path& file, const Overrides& overrides) {
    GivenMap all;
    if (!file.empty()) {
        const std::filesystem::path base = std::filesystem::absolute(file).parent_path();
        for (GivenOption& option : read_job_file(file)) all[option.name] = {option, base};
    }
    for (GivenOption& option : given_overrides(overrides)) all[option.name] = {option, std::filesystem::current_path()};
    return all;
}

const Given* OptionReader::find(std::string_view name) const {
    const auto found = given_.find(full_name(name));
    return found == given_.end() ? nullptr : &found->second;
}

std::string OptionReader::full_name(std::string_view name) const {
    return section_.empty() ? std::string(name) : section_ + "." + std::string(name);
}

std::optional<std::vector<operators::Value>> OptionReader::values(std::string_view name) const {
    const Given* given = find(name);
    if (given == nullptr) return std::nullopt;
    const operators::Option& option = find_option(full_name(name))->option;
    std::vector<operators::Value> values = values_of(given->option, option);
    if (option.type == operators::OptionType::path) {
        auto& path = std::get<std::string>(values.front());
        if (!is_word_of(option, path)) path = (given->base / path).lexically_normal().string();
    }
    return values;
}

}  // namespace jobs
