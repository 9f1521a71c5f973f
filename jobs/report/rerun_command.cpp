#include "jobs/report/rerun_command.h"

#include <string_view>

namespace jobs {

std::string shell_word(const std::string& text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
    if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string rerun_command(const ReportRun& run) {
    std::string command = "diffinv run job.ini";
    const auto add = [&command](const char* name, const std::string& value) {
        if (!value.empty()) command += std::string(" --") + name + " " + shell_word(value);
    };
    add("dataset", run.plan.dataset());
    add("model", run.plan.model().string());
    if (run.plan.lpips() != "embedded" && run.plan.lpips() != "none") add("lpips", run.plan.lpips());
    add("output", std::filesystem::weakly_canonical(run.folder).string() + "-again");
    return command;
}

}  // namespace jobs
