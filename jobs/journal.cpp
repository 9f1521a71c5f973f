#include "jobs/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
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

/// One line, written by hand: tens of thousands of them a second must not hold the coordinator up.
class JournalLine {
  public:
    void add(const char* name, const std::string& text) {
        // Bytes of foreign names that are no UTF-8 must not end the run.
        begin(name) += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    template <typename Number>
    void add(const char* name, Number value) {
        std::array<char, 32> digits{};
        const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        begin(name).append(digits.data(), static_cast<std::size_t>(end - digits.data()));
    }
    std::string finish() { return text_ + "}\n"; }

  private:
    std::string& begin(const char* name) {
        text_ += text_.empty() ? "{\"" : ",\"";
        return (text_ += name) += "\":";
    }
    std::string text_;
};

std::string journal_line(const JournalEntry& entry) {
    JournalLine line;
    line.add("event", entry.event);
    line.add("time", entry.time);
    if (entry.unit >= 0) line.add("unit", entry.unit);
    if (entry.rank >= 0) line.add("rank", entry.rank);
    if (entry.event == "committed") {
        line.add("seconds", entry.seconds);
        line.add("seconds_sampling", entry.seconds_sampling);
        line.add("diverged", entry.diverged);
        line.add("unreadable", entry.unreadable);
    }
    for (const auto& [name, text] :
         {std::pair("host", &entry.host), {"device", &entry.device}, {"reason", &entry.reason}}) {
        if (!text->empty()) line.add(name, *text);
    }
    return line.finish();
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
    if (descriptor_ < 0) return;
    try {
        write_pending();
    } catch (const EnvironmentError&) {
        // A cache: what cannot be written is forgotten.
    }
    close(descriptor_);
}

void Journal::append(const JournalEntry& entry) {
    pending_ += journal_line(entry);
}

void Journal::write_all(std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(descriptor_, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) throw EnvironmentError(name_ + ": cannot be written: " + std::strerror(errno));
        text.remove_prefix(static_cast<std::size_t>(count));
    }
}

void Journal::write_pending() {
    // Not twice, where it fails in the middle.
    write_all(std::exchange(pending_, {}));
}

void Journal::sync() {
    write_pending();
    if (fdatasync(descriptor_) != 0) throw EnvironmentError(name_ + ": cannot be synced: " + std::strerror(errno));
}

}  // namespace jobs
