#include "workers/arguments.h"

#include <algorithm>

#include "jobs/job_error.h"

namespace workers {

bool Arguments::has_flag(std::string_view name) const { return std::find(flags.begin(), flags.end(), name) != flags.end(); }

std::optional<std::string> Arguments::take(std::string_view name) {
    std::optional<std::string> value;
    for (auto option = options.begin(); option != options.end();) {
        if (option->first != name) {
            ++option;
            continue;
        }
        if (value) throw jobs::JobError("option '--" + std::string(name) + "' is given twice");
        value = option->second;
        option = options.erase(option);
    }
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

Arguments parse_arguments(std::span<const std::string> words, std::span<const std::string_view> flags) {
    Arguments arguments;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        if (!word.starts_with("-") || word == "-") {
            arguments.words.push_back(word);
            continue;
        }
        if (!word.starts_with("--") || word.size() == 2) {
            throw jobs::JobError("'" + word + "' is no option: options are written --name value");
        }
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
        if (std::find(flags.begin(), flags.end(), name) != flags.end()) {
            if (equals != std::string::npos) throw jobs::JobError("option '--" + name + "' takes no value");
            arguments.flags.push_back(name);
        } else if (equals != std::string::npos) {
            arguments.options.emplace_back(name, word.substr(equals + 1));
        } else if (at + 1 < words.size() && !words[at + 1].starts_with("--")) {
            arguments.options.emplace_back(name, words[++at]);
        } else {
            throw jobs::JobError("option '--" + name + "' has no value");
        }
    }
    return arguments;
}

}  // namespace workers
