#include "workers/rank_log.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "jobs/job_error.h"

namespace workers {

namespace {

/// "2026-03-01T12:00:00.123Z".
std::string utc_now() {
    const auto now = std::chrono::system_clock::now();
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char date[32];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    char text[48];
    std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(milliseconds));
    return text;
}

}  // namespace

RankLog::RankLog(const std::filesystem::path& folder, int rank) : rank_(rank) {
    char name[32];
    std::snprintf(name, sizeof name, "rank-%04d.jsonl", rank);
    const std::filesystem::path path = folder / "logs" / name;
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    file_.open(path, std::ios::app);
    if (!file_) throw jobs::EnvironmentError(path.string() + ": cannot be opened for appending");
}

void RankLog::note(const std::string& event, const Fields& fields) {
    nlohmann::ordered_json line = {{"time", utc_now()}, {"rank", rank_}, {"event", event}};
    for (const auto& [name, value] : fields) line[name] = value;
    const std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    const std::lock_guard lock(mutex_);
    file_ << text << std::endl;
}

}  // namespace workers
