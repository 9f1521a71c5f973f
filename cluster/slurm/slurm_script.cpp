#include "cluster/slurm/slurm_script.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>
#include <stdexcept>

extern "C" const char diffinv_slurm_job_begin[], diffinv_slurm_job_end[];

namespace cluster {

namespace {

using Values = std::map<std::string, std::string, std::less<>>;

constexpr int most_nodes = 100'000, most_workers = 4096, most_gpus = 64, most_shards = 100'000, most_requeues = 10'000;

/// Options of sbatch that the script sets itself, or that would make another job of it.
constexpr std::array<std::string_view, 20> own_options = {
    "array",  "chdir", "error",           "gpus-per-node", "help",   "input",    "no-kill", "no-requeue", "nodes",
    "ntasks", "time",  "ntasks-per-node", "open-mode",     "output", "parsable", "requeue", "signal",     "test-only",
    "usage",  "wrap"};

bool is_control(char letter) {
    return static_cast<unsigned char>(letter) < 32 || letter == 127;
}

/// True for letters and digits of ASCII and `others` alone, at least one.
bool is_harmless(std::string_view text, std::string_view others) {
    return !text.empty() && std::ranges::all_of(text, [&](char letter) {
        const bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
        return is_letter || (letter >= '0' && letter <= '9') || others.find(letter) != std::string_view::npos;
    });
}

/// The value as far as a message may show it.
std::string shown(std::string_view value) {
    std::string text(value.substr(0, 80));
    std::ranges::replace_if(text, is_control, '?');
    return text;
}

void check_text(const std::string& what, std::string_view value) {
    if (std::ranges::none_of(value, is_control)) return;
    throw std::invalid_argument(what + ": '" + shown(value) +
                                "' holds a line break or control character, which a script cannot");
}

void check_number(const std::string& what, int value, int least, int most) {
    if (value >= least && value <= most) return;
    throw std::invalid_argument(what + ": " + std::to_string(value) + ", expected an integer from " +
                                std::to_string(least) + " to " + std::to_string(most));
}

/// "partition=gpu" → "--partition=gpu".
std::string extra_option(const std::string& given) {
    const std::size_t equals = given.find('=');
    const std::string key = given.substr(0, equals);
    check_text("-x", given);
    if (!std::regex_match(key, std::regex("[a-z][a-z0-9-]+"))) {
        throw std::invalid_argument("-x " + shown(given) + ": '" + shown(key) +
                                    "' is no option of sbatch; allowed: KEY=VALUE or KEY, as in -x partition=gpu");
    }
    if (std::ranges::find(own_options, key) != own_options.end()) {
        throw std::invalid_argument("-x " + shown(given) + ": " + key +
                                    " is set by 'diffinv submit' itself; allowed: any other option of sbatch");
    }
    if (equals == std::string::npos) return "--" + key;
    const std::string value = given.substr(equals + 1);
    if (value.empty() || value.find(' ') != std::string::npos) {
        throw std::invalid_argument("-x " + shown(given) + ": the value is empty or holds a blank");
    }
    return "--" + key + "=" + sbatch_quoted(value);
}

/// A name that squeue shows well.
std::string job_name(const std::filesystem::path& folder) {
    std::string name = folder.filename().string().substr(0, 64);
    std::ranges::replace_if(
        name,
        [](char letter) {
            return !is_harmless({&letter, 1}, "._-");
        },
        '_');
    return name.empty() ? "diffinv" : name;
}

/// Slurm replaces %j and the like in a log's name, and with a backslash in it nothing.
std::string log_pattern(const std::filesystem::path& folder, bool is_array) {
    const std::string text = folder.string();
    if (text.find('\\') != std::string::npos) {
        throw std::invalid_argument("output: '" + shown(text) + "' holds a backslash, which Slurm takes for its own");
    }
    std::string pattern;
    for (const char letter : text) pattern += letter == '%' ? std::string("%%") : std::string(1, letter);
    return sbatch_quoted(pattern + (is_array ? "/logs/slurm-%A_%a.log" : "/logs/slurm-%j.log"));
}

std::string command_words(const SlurmJob& job) {
    std::string words;
    for (const std::string& word : job.command) {
        check_text("command line", word);
        words += shell_quoted(word) + " ";
    }
    if (job.shards > 0) return words + "--shard \"$SLURM_ARRAY_TASK_ID/" + std::to_string(job.shards) + "\"";
    return words + "--workers " + std::to_string(job.nodes * job.workers_per_node);
}

void check_job(const SlurmJob& job) {
    check_text("output", job.folder.string());
    check_text("working directory", job.working_folder.string());
    check_number("nodes", job.nodes, 1, most_nodes);
    check_number("workers-per-node", job.workers_per_node, 1, most_workers);
    check_number("gpus-per-node", job.gpus_per_node, 0, most_gpus);
    check_number("array", job.shards, 0, most_shards);
    check_number("requeue-limit", job.requeue_limit, 0, most_requeues);
    if (job.shards > 0 && (job.nodes > 1 || job.workers_per_node > 1 || job.gpus_per_node > 1)) {
        throw std::invalid_argument(
            "array: an element is one process; allowed: --nodes 1, --workers-per-node 1, --gpus-per-node 0 or 1");
    }
    if (static_cast<long>(job.nodes) * job.workers_per_node > most_workers) {
        throw std::invalid_argument("nodes: " + std::to_string(job.nodes) + " with " +
                                    std::to_string(job.workers_per_node) + " workers each; allowed are " +
                                    std::to_string(most_workers) + " workers in all");
    }
}

/// One line of the template with its names filled in: @NAME@, and a lone @ as it is. Nothing where a name has no value:
/// an option that this job has no use for.
std::optional<std::string> filled_in(std::string_view line, const Values& values) {
    std::string text;
    while (!line.empty()) {
        const std::size_t end = line.front() == '@' ? line.find('@', 1) : std::string_view::npos;
        const auto value = end == std::string_view::npos ? values.end() : values.find(line.substr(1, end - 1));
        if (value == values.end()) {
            text += line.front();
            line.remove_prefix(1);
            continue;
        }
        if (value->second.empty()) return std::nullopt;
        text += value->second;
        line.remove_prefix(end + 1);
    }
    return text;
}

}  // namespace

long time_limit_seconds(const std::string& time) {
    static const std::regex plain("([0-9]{1,8})(?::([0-9]{1,2}))?(?::([0-9]{1,2}))?");
    static const std::regex with_days("([0-9]{1,5})-([0-9]{1,2})(?::([0-9]{1,2}))?(?::([0-9]{1,2}))?");
    std::smatch part;
    const auto number = [&](int index) { return part[index].matched ? std::stol(part[index].str()) : 0; };
    long seconds = 0;
    if (std::regex_match(time, part, with_days)) {
        seconds = ((number(1) * 24 + number(2)) * 60 + number(3)) * 60 + number(4);
    } else if (std::regex_match(time, part, plain)) {
        seconds = part[3].matched ? (number(1) * 60 + number(2)) * 60 + number(3) : number(1) * 60 + number(2);
    }
    if (seconds < 60) {
        throw std::invalid_argument("time: '" + shown(time) +
                                    "', expected a minute or more as MINUTES, MM:SS, HH:MM:SS, D-HH, D-HH:MM or "
                                    "D-HH:MM:SS");
    }
    return seconds;
}

std::string shell_quoted(std::string_view word) {
    if (is_harmless(word, "_./:=,+-")) return std::string(word);
    std::string quoted = "'";
    for (const char letter : word) quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return quoted + "'";
}

std::string sbatch_quoted(std::string_view value) {
    if (is_harmless(value, "_./:=,+%@*-")) return std::string(value);
    std::string quoted = "\"";
    for (const char letter : value) {
        if (letter == '"' || letter == '\\') quoted += '\\';
        quoted += letter;
    }
    return quoted + "\"";
}

std::string_view slurm_job_template() {
    return {diffinv_slurm_job_begin, static_cast<std::size_t>(diffinv_slurm_job_end - diffinv_slurm_job_begin)};
}

std::string slurm_script(const SlurmJob& job) {
    check_job(job);
    const long seconds = time_limit_seconds(job.time);
    const bool is_array = job.shards > 0;
    bool has_name = false;
    std::string extra;
    for (const std::string& given : job.extra) {
        extra += (extra.empty() ? "" : "\n#SBATCH ") + extra_option(given);
        has_name = has_name || given.starts_with("job-name=");
    }
    const Values values = {
        {"JOB_NAME", has_name ? "" : job_name(job.folder)},
        {"NODES", std::to_string(job.nodes)},
        {"WORKERS_PER_NODE", std::to_string(job.workers_per_node)},
        {"GPUS_PER_NODE", job.gpus_per_node > 0 ? std::to_string(job.gpus_per_node) : ""},
        {"TIME", job.time},
        {"SHARDS", is_array ? std::to_string(job.shards) : ""},
        // Short jobs are told later: Slurm itself comes up to a minute early.
        {"SIGNAL_SECONDS", std::to_string(std::min(120L, seconds / 6))},
        {"MARGIN_SECONDS", std::to_string(std::min(60L, seconds / 6))},
        {"LOG", log_pattern(job.folder, is_array)},
        {"EXTRA", extra},
        {"FOLDER", shell_quoted(job.folder.string())},
        {"REQUEUE_LIMIT", std::to_string(job.requeue_limit)},
        {"WORKING_FOLDER", shell_quoted(job.working_folder.string())},
        {"COMMAND", command_words(job)},
    };
    std::string script;
    for (std::string_view rest = slurm_job_template(); !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
        if (const auto line = filled_in(rest.substr(0, end), values)) script += *line + "\n";
        rest.remove_prefix(end + 1);
    }
    return script;
}

}  // namespace cluster
