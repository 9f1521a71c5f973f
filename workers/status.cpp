#include "workers/status.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "pipeline/data/commit.h"

namespace workers {

namespace {

using Json = nlohmann::json;

std::string rate_words(double units_per_second) {
    std::ostringstream text;
    text.precision(2);
    if (units_per_second >= 1) {
        text << std::fixed << units_per_second << "/s";
    } else if (units_per_second * 60 >= 1) {
        text << std::fixed << units_per_second * 60 << "/min";
    } else {
        text << std::fixed << units_per_second * 3600 << "/h";
    }
    return text.str();
}

}  // namespace

std::string to_json(const Status& status) {
    Json workers = Json::array();
    for (const WorkerStatus& worker : status.workers) {
        workers.push_back({{"rank", worker.rank},
                           {"host", worker.host},
                           {"state", worker.state},
                           {"unit", worker.unit},
                           {"seconds_silent", worker.seconds_silent},
                           {"device", worker.device}});
    }
    const Json json = {{"state", status.state},
                       {"launch", status.launch},
                       {"host", status.host},
                       {"process", status.process},
                       {"units", status.units},
                       {"committed", status.committed},
                       {"running", status.running},
                       {"quarantined", status.quarantined},
                       {"seconds", status.seconds},
                       {"units_per_second", status.units_per_second},
                       {"seconds_left", status.seconds_left},
                       {"time", status.time},
                       {"workers", std::move(workers)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

void write_status(const std::filesystem::path& folder, const Status& status) {
    pipeline::commit_bytes(folder / "status.json", to_json(status) + "\n");
}

std::optional<Status> read_status(const std::filesystem::path& folder) {
    std::ifstream file(folder / "status.json");
    const Json json = Json::parse(file, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    try {
        Status status;
        json.at("state").get_to(status.state);
        json.at("launch").get_to(status.launch);
        json.at("host").get_to(status.host);
        json.at("process").get_to(status.process);
        json.at("units").get_to(status.units);
        json.at("committed").get_to(status.committed);
        json.at("running").get_to(status.running);
        json.at("quarantined").get_to(status.quarantined);
        json.at("seconds").get_to(status.seconds);
        json.at("units_per_second").get_to(status.units_per_second);
        json.at("seconds_left").get_to(status.seconds_left);
        json.at("time").get_to(status.time);
        for (const Json& entry : json.at("workers")) {
            status.workers.push_back({entry.at("rank").get<int>(), entry.at("host").get<std::string>(),
                                      entry.at("state").get<std::string>(), entry.at("unit").get<std::int64_t>(),
                                      entry.at("seconds_silent").get<double>(), entry.value("device", std::string())});
        }
        return status;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

std::string duration_words(double seconds) {
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 90) return std::to_string(whole) + " s";
    const std::int64_t minutes = (whole + 30) / 60;
    if (minutes < 90) return std::to_string(minutes) + " min";
    return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

std::vector<std::string> new_gpu_lines(const Status& status, std::set<int>& told) {
    std::vector<std::string> lines;
    for (const WorkerStatus& worker : status.workers) {
        if (!worker.device.starts_with("cuda") || !told.insert(worker.rank).second) continue;
        lines.push_back("rank " + std::to_string(worker.rank) + " on " + worker.host + ": " + worker.device);
    }
    return lines;
}

std::string progress_line(const Status& status) {
    std::string line = std::to_string(status.committed) + "/" + std::to_string(status.units) + " units";
    if (status.units_per_second > 0) line += ", " + rate_words(status.units_per_second);
    if (status.seconds_left >= 0) line += ", " + duration_words(status.seconds_left) + " left";
    if (status.quarantined > 0) line += ", " + std::to_string(status.quarantined) + " failed";
    return line;
}

}  // namespace workers
