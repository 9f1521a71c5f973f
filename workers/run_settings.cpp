#include "workers/run_settings.h"

#include <charconv>
#include <cmath>
#include <sstream>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace workers {

std::optional<double> take_number(Arguments& arguments, const std::string& name, double lowest, double highest,
                                  bool is_whole, const std::string& expected) {
    const std::optional<std::string> text = arguments.take(name);
    if (!text) return std::nullopt;
    double value = 0;
    const char* end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, value);
    const bool is_number = error == std::errc() && stop == end && std::isfinite(value);
    if (!is_number || value < lowest || value > highest || (is_whole && value != std::floor(value))) {
        throw jobs::JobError(name + ": '" + pipeline::printable(*text) + "', expected " + expected);
    }
    return value;
}

RunSettings RunSettings::take(Arguments& arguments) {
    const auto seconds = [&](const std::string& name, double lowest, double standard) {
        std::ostringstream expected;
        expected << "seconds from " << lowest << " to 1e6";
        return take_number(arguments, name, lowest, 1e6, false, expected.str()).value_or(standard);
    };
    RunSettings settings;
    settings.workers = static_cast<int>(
        take_number(arguments, "workers", 1, 4096, true, "an integer from 1 to 4096").value_or(settings.workers));
    settings.replacements =
        static_cast<int>(take_number(arguments, "replacements", 0, 1000, true, "an integer from 0 to 1000")
                             .value_or(settings.replacements));
    if (const auto ahead = take_number(arguments, "work-ahead", 0, 1, true, "0 or 1")) settings.work_ahead = *ahead > 0;
    settings.launch = arguments.take("launch").value_or("");
    settings.only = arguments.take("only").value_or("");
    settings.silence_seconds = seconds("worker-timeout", 1, settings.silence_seconds);
    settings.load_seconds = seconds("start-timeout", 1, settings.load_seconds);
    settings.deadline =
        take_number(arguments, "deadline", 1, 1e11, false, "a time in seconds since 1970, as 'date +%s' prints it")
            .value_or(settings.deadline);
    return settings;
}

std::vector<std::string> RunSettings::to_words() const {
    std::vector<std::string> words;
    const auto add = [&](const std::string& name, double value) {
        std::ostringstream text;
        text.precision(17);
        text << value;
        words.push_back("--" + name);
        words.push_back(text.str());
    };
    add("worker-timeout", silence_seconds);
    add("start-timeout", load_seconds);
    add("replacements", replacements);
    if (std::isfinite(deadline)) add("deadline", deadline);
    if (work_ahead) add("work-ahead", *work_ahead ? 1 : 0);
    for (const auto& [name, text] : {std::pair<std::string, std::string>("--only", only), {"--launch", launch}}) {
        if (text.empty()) continue;
        words.push_back(name);
        words.push_back(text);
    }
    return words;
}

}  // namespace workers
