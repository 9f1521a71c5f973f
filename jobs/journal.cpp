#include "jobs/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

using Json = nlohmann::json;

Json to_json(const JournalEntry& entry) {
    Json json = {{"event", entry.event}, {"time", entry.time}};
    if (entry.unit >= 0) json["unit"] = entry.unit;
    if (entry.rank >= 0) json["rank"] = entry.rank;
    if (entry.event == "committed") {
        json["seconds"] = entry.seconds;
        json["seconds_sampling"] = entry.seconds_sampling;
        json["diverged"] = entry.diverged;
        json["unreadable"] = entry.unreadable;
    }
    for (const auto& [name, text] :
         {std::pair("host", entry.host), {"device", entry.device}, {"reason", entry.reason}}) {
        if (!text.empty()) json[name] = text;
    }
    return json;
}

}  // namespace

Journal::Journal(const std::filesystem::path& folder, std::string name) : name_(std::move(name)) {
    const bool is_journal =
        name_ == coordinators_journal || (name_.starts_with("journal-") && name_.ends_with(".jsonl"));
    if (!is_journal || name_.find('/') != std::string::npos) {
        throw std::invalid_argument("journal '" + name_ + "': allowed are journal.jsonl and journal-NAME.jsonl");
    }
    const std::filesystem::path path = folder / name_;
    descriptor_ = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0) {
        throw EnvironmentError(pipeline::printable(path.string()) +
                               ": cannot be opened for appending: " + std::strerror(errno));
    }
    end_torn_line(path);
}

void Journal::end_torn_line(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (file.tellg() <= 0) return;
    file.seekg(-1, std::ios::end);
    if (file.get() != '\n') write_all("\n");
}

Journal::~Journal() {
    if (descriptor_ >= 0) close(descriptor_);
}

void Journal::append(const JournalEntry& entry) {
    // Bytes of foreign names that are no UTF-8 must not end the run.
    write_all(to_json(entry).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void Journal::write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(descriptor_, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw EnvironmentError(name_ + ": cannot be written: " + std::strerror(errno));
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

void Journal::sync() {
    if (fdatasync(descriptor_) != 0) throw EnvironmentError(name_ + ": cannot be synced: " + std::strerror(errno));
}

}  // namespace jobs
