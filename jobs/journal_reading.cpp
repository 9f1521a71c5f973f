#include <algorithm>
#include <deque>
#include <fstream>
#include <queue>
#include <utility>

#include "jobs/job_error.h"
#include "jobs/journal.h"
#include "jobs/journal_line.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

/// Entries of one file, a few at a time; the file is open only while it is read.
class JournalStream {
  public:
    explicit JournalStream(std::filesystem::path path) : path_(std::move(path)) { fill(); }

    bool is_at_end() const { return entries_.empty(); }
    const JournalEntry& front() const { return entries_.front(); }
    /// Of the front: the latest that the file has told so far.
    double time() const { return std::max(latest_, front().time); }
    void pop() {
        latest_ = time();
        entries_.pop_front();
        if (entries_.empty()) fill();
    }

  private:
    void fill() {
        constexpr std::size_t few = 64;
        if (offset_ < 0) return;
        std::ifstream file(path_, std::ios::binary);
        file.seekg(offset_);
        std::string line;
        while (entries_.size() < few && std::getline(file, line)) {
            JournalEntry entry;
            if (!read_journal_line(line, entry)) continue;
            entry.journal = path_.filename().string();
            entries_.push_back(std::move(entry));
        }
        offset_ = file.eof() ? std::streamoff{-1} : std::streamoff{file.tellg()};
    }

    std::filesystem::path path_;
    std::deque<JournalEntry> entries_;
    std::streamoff offset_ = 0;  ///< Negative once all is read.
    double latest_ = 0;
};

/// The coordinator's first, then those of shards by name.
std::vector<std::filesystem::path> journals_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths;
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) return paths;
    try {
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            const std::string name = entry.path().filename().string();
            const bool is_journal =
                name == coordinators_journal || (name.starts_with("journal-") && name.ends_with(".jsonl"));
            if (is_journal && entry.is_regular_file(error)) paths.push_back(entry.path());
        }
    } catch (const std::filesystem::filesystem_error& failure) {
        throw EnvironmentError(pipeline::printable(folder.string()) +
                               ": cannot be listed: " + failure.code().message());
    }
    std::ranges::sort(paths, {}, [](const std::filesystem::path& path) {
        return std::pair(path.filename() != coordinators_journal, path.filename());
    });
    return paths;
}

}  // namespace

void for_each_journal_entry(const std::filesystem::path& folder,
                            const std::function<void(const JournalEntry& entry)>& visit) {
    std::deque<JournalStream> streams;
    using Turn = std::pair<double, std::size_t>;  // Time, and the file's place: the earlier file at equal times.
    std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns;
    const auto take_turn = [&](std::size_t place) {
        if (!streams[place].is_at_end()) turns.emplace(streams[place].time(), place);
    };
    for (std::filesystem::path& path : journals_in(folder)) {
        streams.emplace_back(std::move(path));
        take_turn(streams.size() - 1);
    }
    while (!turns.empty()) {
        const std::size_t place = turns.top().second;
        turns.pop();
        visit(streams[place].front());
        streams[place].pop();
        take_turn(place);
    }
}

std::vector<JournalEntry> read_journal(const std::filesystem::path& folder) {
    std::vector<JournalEntry> entries;
    for_each_journal_entry(folder, [&](const JournalEntry& entry) { entries.push_back(entry); });
    return entries;
}

}  // namespace jobs
