#include "jobs/journal_line.h"

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace jobs {

namespace {

using Json = nlohmann::json;

JournalEntry entry_from(const Json& json) {
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

/// Takes a line apart from its front. Each step says whether the line is still a plain one.
class PlainLine {
  public:
    explicit PlainLine(std::string_view line) : rest_(line) {}

    bool is_at_end() const { return rest_.empty(); }
    bool take(char wanted) {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// A string of printable ASCII without escapes.
    bool take_text(std::string_view& text) {
        if (!take('"')) return false;
        std::size_t size = 0;
        while (size < rest_.size() && is_plain(rest_[size])) ++size;
        text = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return take('"');
    }
    /// A number as JSON has them, without an exponent; whole where `Number` is.
    template <typename Number>
    bool take_number(Number& number) {
        const std::size_t sign = rest_.starts_with('-') ? 1 : 0;
        const std::size_t whole = digits_from(sign);
        if (whole == sign || (rest_[sign] == '0' && whole > sign + 1)) return false;
        std::size_t end = whole;
        if (std::is_floating_point_v<Number> && whole < rest_.size() && rest_[whole] == '.') {
            end = digits_from(whole + 1);
            if (end == whole + 1) return false;
        }
        const auto read = std::from_chars(rest_.data(), rest_.data() + end, number);
        if (read.ec != std::errc() || read.ptr != rest_.data() + end) return false;
        rest_.remove_prefix(end);
        return rest_.starts_with(',') || rest_.starts_with('}');
    }

  private:
    static bool is_plain(char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; }
    std::size_t digits_from(std::size_t end) const {
        while (end < rest_.size() && rest_[end] >= '0' && rest_[end] <= '9') ++end;
        return end;
    }
    std::string_view rest_;
};

bool take_value(PlainLine& line, std::string_view key, JournalEntry& entry) {
    const auto take_text = [&](std::string& value) {
        std::string_view text;
        if (!line.take_text(text)) return false;
        value = text;
        return true;
    };
    if (key == "event") return take_text(entry.event);
    if (key == "unit") return line.take_number(entry.unit);
    if (key == "rank") return line.take_number(entry.rank);
    if (key == "time") return line.take_number(entry.time);
    if (key == "seconds") return line.take_number(entry.seconds);
    if (key == "seconds_sampling") return line.take_number(entry.seconds_sampling);
    if (key == "diverged") return line.take_number(entry.diverged);
    if (key == "unreadable") return line.take_number(entry.unreadable);
    if (key == "host") return take_text(entry.host);
    if (key == "device") return take_text(entry.device);
    if (key == "reason") return take_text(entry.reason);
    return false;
}

/// False for a line that is not plain: nothing is said about it.
bool read_plain_line(const std::string& text, JournalEntry& entry) {
    PlainLine line(text);
    entry = JournalEntry();
    if (!line.take('{')) return false;
    bool has_event = false;
    do {
        std::string_view key;
        if (!line.take_text(key) || !line.take(':') || !take_value(line, key, entry)) return false;
        has_event = has_event || key == "event";
    } while (line.take(','));
    return line.take('}') && line.is_at_end() && has_event;
}

}  // namespace

bool read_any_journal_line(const std::string& line, JournalEntry& entry) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("event")) return false;
    try {
        entry = entry_from(json);
        return true;
    } catch (const Json::exception&) {
        return false;
    }
}

bool read_journal_line(const std::string& line, JournalEntry& entry) {
    return read_plain_line(line, entry) || read_any_journal_line(line, entry);
}

}  // namespace jobs
