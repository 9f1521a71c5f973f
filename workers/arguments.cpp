#include "workers/arguments.h"

#include <algorithm>

#include "jobs/job_error.h"
#include "jobs/job_file.h"

namespace workers {

bool Arguments::has_flag(std::string_view name) const {
    return std::ranges::find(flags, name) != flags.end();
}

std::optional<std::string> Arguments::take(std::string_view name) {
    const auto option = std::ranges::find(options, name, &std::pair<std::string, std::string>::first);
    if (option == options.end()) return std::nullopt;
    std::string value = option->second;
    options.erase(option);
    return value;
}

const std::string& Arguments::only_word(std::string_view command, std::string_view what) const {
    if (words.size() == 1) return words.front();
    throw jobs::JobError(std::string(command) + ": " + std::to_string(words.size()) + " names given, expected one: " +
                         std::string(what) + " (see 'diffinv " + std::string(command) + " --help')");
}

void Arguments::expect_no_options(std::string_view command) const {
    if (options.empty()) return;
    throw jobs::JobError(std::string(command) + ": unrecognised option '--" + options.front().first +
                         "' (see 'diffinv " + std::string(command) + " --help')");
}

namespace {

/// Takes every `-x VALUE` out of the words.
std::vector<std::string> take_repeated(std::vector<std::string>& words, std::string_view name) {
    std::vector<std::string> values, rest;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (name.empty() || words[i] != name) {
            rest.push_back(words[i]);
        } else if (i + 1 < words.size() && !words[i + 1].starts_with("-")) {
            values.push_back(words[++i]);
        } else {
            throw jobs::JobError("option '" + std::string(name) + "' has no value");
        }
    }
    words = std::move(rest);
    return values;
}

}  // namespace

Arguments parse_arguments(std::span<const std::string> words, const ArgumentRules& rules) {
    Arguments arguments;
    std::vector<std::string> others(words.begin(), words.end());
    arguments.repeated = take_repeated(others, rules.repeated);
    const jobs::CommandLine line = jobs::parse_command_line(others, rules.takes_job_options, rules.values, rules.flags);
    for (const std::string& word : line.positional) {
        if (word.starts_with("-") && word != "-") {
            throw jobs::JobError("'" + word + "' is no option: options are written --name value");
        }
        arguments.words.push_back(word);
    }
    for (const auto& [name, value] : line.options) {
        if (std::ranges::find(rules.flags, name) != rules.flags.end()) {
            arguments.flags.push_back(name);
        } else if (value.starts_with("--")) {
            // Boost takes the next word whatever it is; no value of ours begins so.
            throw jobs::JobError("option '--" + name + "' has no value before '" + value + "'");
        } else {
            arguments.options.emplace_back(name, value);
        }
    }
    return arguments;
}

}  // namespace workers
