#include "jobs/job_file.h"

#include <algorithm>
#include <boost/program_options.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "jobs/job_error.h"
#include "jobs/job_options.h"
#include "jobs/suggestion.h"
#include "pipeline/data/file_error.h"
#include "pipeline/networks/readable_name.h"

namespace jobs {

namespace {

namespace po = boost::program_options;
using pipeline::printable;

constexpr std::uintmax_t largest_job_file = 1 << 20;  // bytes
constexpr std::size_t longest_line = 4096;            // bytes

po::options_description described_options() {
    po::options_description description;
    for (const NamedOption& option : all_options()) {
        description.add_options()(option.name.c_str(), po::value<std::string>());
    }
    return description;
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string whole_text(const std::filesystem::path& file) {
    std::error_code error;
    const bool is_file = std::filesystem::is_regular_file(file, error);
    const std::uintmax_t size = is_file ? std::filesystem::file_size(file, error) : 0;
    std::ifstream stream(file, std::ios::binary);
    if (!is_file || error || !stream) throw JobError(printable(file.string()) + ": there is no such job file");
    if (size > largest_job_file) throw JobError(printable(file.string()) + ": a job file has at most 1 MiB");
    std::ostringstream text;
    text << stream.rdbuf();
    // A byte order mark is no part of the first name.
    constexpr std::string_view mark = "\xef\xbb\xbf";
    return text.view().starts_with(mark) ? text.str().substr(mark.size()) : text.str();
}

/// Boost takes any section, also one that holds nothing, and [] undefined.
void check_section(std::string_view section, const std::string& place) {
    const bool is_known = std::ranges::any_of(
        all_options(), [&](const NamedOption& option) { return !section.empty() && option.section == section; });
    if (is_known) return;
    throw JobError(place + "[" + printable(section) + "]: there is no such section; allowed: " + section_names());
}

/// Where each option of a file stands: Boost gives values in the file's order, but no line numbers.
std::vector<int> option_lines(const std::string& name, const std::string& text) {
    std::vector<int> lines;
    std::istringstream stream(text);
    std::string raw;
    for (int number = 1; std::getline(stream, raw); ++number) {
        const std::string place = name + ":" + std::to_string(number) + ": ";
        if (raw.size() > longest_line) {
            throw JobError(place + "a line of " + std::to_string(raw.size()) + " bytes; allowed are " +
                           std::to_string(longest_line));
        }
        // Boost cuts at every '#', also inside a value: only one that follows a blank is a comment here.
        const auto hash = raw.find('#');
        if (hash != std::string::npos && hash > 0 && raw[hash - 1] != ' ' && raw[hash - 1] != '\t') {
            throw JobError(place + printable(trimmed(raw)) +
                           ": the value would be cut at '#'; allowed: no '#' in a value, a comment after a blank");
        }
        const std::string line = trimmed(raw.substr(0, hash));
        if (line.empty()) continue;
        if (line.front() == '[' && line.back() == ']') {
            check_section(std::string_view(line).substr(1, line.size() - 2), place);
            continue;
        }
        if (line.find('=') == std::string::npos || line.front() == '=') {
            throw JobError(place + printable(line) +
                           ": not a line of a job file; allowed: NAME = VALUE, [section], # comment");
        }
        lines.push_back(number);
    }
    return lines;
}

void check_name(const std::string& name, const std::string& place) {
    if (find_option(name) == nullptr) {
        throw JobError(place + ": " + unknown_option(name));
    }
}

}  // namespace

std::vector<GivenOption> read_job_file(const std::filesystem::path& file) {
    const std::string text = whole_text(file);
    const std::string name = printable(file.string());
    const std::vector<int> lines = option_lines(name, text);

    // Boost takes the lines apart; what it does not know is passed on, to be refused with its place.
    std::istringstream stream(text);
    po::parsed_options parsed(nullptr);
    try {
        parsed = po::parse_config_file(stream, described_options(), /*allow_unregistered=*/true);
    } catch (const po::error& error) {
        throw JobError(name + ": " + printable(error.what()));
    }

    std::vector<GivenOption> given;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < parsed.options.size(); ++i) {
        const po::option& option = parsed.options[i];
        const std::string place = name + ":" + std::to_string(i < lines.size() ? lines[i] : 0);
        check_name(option.string_key, place);
        const std::string value = option.value.empty() ? "" : option.value.front();
        const std::string where = place + ": " + option.string_key + " = " + pipeline::readable_name(value);
        if (!seen.insert(option.string_key).second) throw JobError(where + ": repeated; allowed: each option once");
        given.push_back({option.string_key, value, where});
    }
    return given;
}

std::vector<GivenOption> given_overrides(const Overrides& overrides) {
    std::vector<GivenOption> given;
    std::set<std::string> seen;
    for (const auto& [name, value] : overrides) {
        check_name(name, "command line");
        const std::string where = "--" + name + " " + pipeline::readable_name(value);
        if (!seen.insert(name).second) throw JobError(where + ": repeated; allowed: each option once");
        given.push_back({name, value, where});
    }
    return given;
}

namespace {

std::vector<std::string> own_names(std::span<const std::string_view> values, std::span<const std::string_view> flags) {
    std::vector<std::string> names(values.begin(), values.end());
    names.insert(names.end(), flags.begin(), flags.end());
    return names;
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments, bool takes_job,
                               std::span<const std::string_view> own_values,
                               std::span<const std::string_view> own_flags) {
    po::options_description description;
    if (takes_job) description.add(described_options());
    for (const std::string_view name : own_values) {
        description.add_options()(std::string(name).c_str(), po::value<std::string>());
    }
    for (const std::string_view name : own_flags) description.add_options()(std::string(name).c_str(), "");

    // Long names only, written out: nothing is guessed from a beginning, and a lone "-0.1" is a value.
    const int style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                      po::command_line_style::long_allow_next;
    CommandLine line;
    std::set<std::string> seen;
    try {
        const po::parsed_options parsed =
            po::command_line_parser(arguments).options(description).style(style).allow_unregistered().run();
        for (const po::option& option : parsed.options) {
            if (option.position_key >= 0 || option.string_key.empty()) {
                line.positional.insert(line.positional.end(), option.value.begin(), option.value.end());
                continue;
            }
            if (option.unregistered) {
                throw JobError("command line: " +
                               (takes_job ? unknown_option(option.string_key)
                                          : "unrecognised option '--" + printable(option.string_key) + "'" +
                                                suggestion(option.string_key, own_names(own_values, own_flags))));
            }
            const std::string value = option.value.empty() ? "" : trimmed(option.value.front());
            // Boost takes the next option for a value that was forgotten.
            if (option.original_tokens.size() > 1 && value.starts_with("--")) {
                throw JobError("--" + option.string_key + " " + printable(value) +
                               ": the value is missing; allowed: --" + option.string_key + " VALUE, or --" +
                               option.string_key + "=VALUE");
            }
            if (!seen.insert(option.string_key).second) {
                throw JobError("--" + option.string_key + " " + printable(value) +
                               ": repeated; allowed: each option once");
            }
            line.options.emplace_back(option.string_key, value);
        }
    } catch (const po::error& error) {
        throw JobError(std::string("command line: ") + printable(error.what()));
    }
    return line;
}

}  // namespace jobs
