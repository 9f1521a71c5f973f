#include "jobs/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

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

JournalEntry from_json(const Json& json) {
    JournalEntry entry;
    entry.event = json.at("event").get<std::string>();
    entry.unit = json.value("unit", std::int64_t{-1});
    entry.rank = json.value("rank", -1);
    entry.time = json.value("time", 0.0);
    entry.seconds = json.value("seconds", 0.0);
    entry.seconds_sampling = json.value("seconds_sampling", 0.0);
    entry.diverged = json.value("diverged", std::int64_t{0});
    entry.unreadable = json.value("unreadable", std::int64_t{0});
    entry.host = json.value("host", std::string());
    entry.device = json.value("device", std::string());
    entry.reason = json.value("reason", std::string());
    return entry;
}

}  // namespace

Journal::Journal(const std::filesystem::path& folder, const std::string& name) : name_(name) {
    const std::filesystem::path path = folder / name;
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
    if (fdatasync(descriptor_) != 0)
        throw EnvironmentError(name_ + ": cannot be synced: " + std::strerror(errno));
}

std::vector<std::filesystem::path> journal_files(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("journal") && name.ends_with(".jsonl")) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

void for_each_entry_of(const std::filesystem::path& path, const std::function<void(const JournalEntry&)>& visit) {
    std::ifstream file(path, std::ios::binary);
    for (std::string line; std::getline(file, line);) {
        // A torn or foreign line is no entry.
        const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
        if (!json.is_object() || !json.contains("event")) continue;
        JournalEntry entry;
        try {
            entry = from_json(json);
        } catch (const Json::exception&) {
            continue;
        }
        visit(entry);
    }
}

void for_each_journal_entry(const std::filesystem::path& folder,
                            const std::function<void(const JournalEntry&)>& visit) {
    for (const std::filesystem::path& file : journal_files(folder)) for_each_entry_of(file, visit);
}

std::vector<JournalEntry> read_journal(const std::filesystem::path& folder) {
    std::vector<JournalEntry> entries;
    for_each_journal_entry(folder, [&](const JournalEntry& entry) { entries.push_back(entry); });
    std::ranges::stable_sort(entries, {}, &JournalEntry::time);
    return entries;
}

}  // namespace jobs
