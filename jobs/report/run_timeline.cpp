#include "jobs/report/run_timeline.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "jobs/journal.h"

namespace jobs {

namespace {

class TimelineReader {
  public:
    void read(const JournalEntry& entry) {
        // What is open when a coordinator starts ended with the one before it, no later than that told of last.
        if (entry.event == "run") close_all(entry.journal, "died");
        latest_[entry.journal] = std::max(latest_[entry.journal], entry.time);
        if (entry.event == "run") {
            timeline_.starts.push_back(entry.time);
        } else if (entry.event == "worker") {
            worker_of(entry);
        } else if (entry.event == "retry") {
            timeline_.quarantined.clear();
        } else if (entry.event == "quarantined") {
            std::erase_if(timeline_.quarantined, [&](const QuarantinedUnit& one) { return one.unit == entry.unit; });
            timeline_.quarantined.push_back({entry.unit, entry.reason});
        } else if (entry.event == "assigned" && entry.unit >= 0) {
            open_[{entry.journal, entry.rank, entry.unit}] = {worker_of(entry), entry.time, ++attempts_[entry.unit]};
            ++timeline_.attempts;
        } else if (entry.unit >= 0 && (entry.event == "committed" || entry.event == "failed" || entry.event == "died" ||
                                       entry.event == "released")) {
            close(entry);
        }
    }

    RunTimeline finish() {
        for (const auto& [journal, time] : latest_) close_all(journal, "open");
        std::ranges::stable_sort(timeline_.spans, {},
                                 [](const WorkSpan& span) { return std::pair(span.worker, span.begin); });
        // A worker that is given its next unit ahead begins it when it is done with the last.
        for (std::size_t i = 1; i < timeline_.spans.size(); ++i) {
            const WorkSpan& before = timeline_.spans[i - 1];
            WorkSpan& span = timeline_.spans[i];
            if (span.worker == before.worker)
                span.begin = std::clamp(before.end, span.begin, std::max(span.begin, span.end));
        }
        for (const WorkSpan& span : timeline_.spans) {
            if (span.kind != "failed" && span.kind != "died") continue;
            ++timeline_.lost_attempts;
            timeline_.lost_seconds += span.end - span.begin;
        }
        return std::move(timeline_);
    }

  private:
    struct Attempt {
        std::size_t worker = 0;
        double begin = 0;
        int number = 1;
    };
    using Key = std::tuple<std::string, int, std::int64_t>;  ///< Journal, rank, unit.

    std::size_t worker_of(const JournalEntry& entry) {
        const auto [place, is_new] = workers_.emplace(std::pair(entry.journal, entry.rank), timeline_.workers.size());
        if (is_new) timeline_.workers.push_back({entry.journal, entry.rank, {}, {}});
        TimelineWorker& worker = timeline_.workers[place->second];
        if (!entry.host.empty()) worker.host = entry.host;
        if (!entry.device.empty()) worker.device = entry.device;
        return place->second;
    }

    void close(const JournalEntry& entry) {
        const auto open = open_.find({entry.journal, entry.rank, entry.unit});
        Attempt attempt;
        if (open != open_.end()) {
            attempt = open->second;
            open_.erase(open);
        } else {
            attempt = {worker_of(entry), entry.time - entry.seconds, std::max(1, attempts_[entry.unit])};
            ++timeline_.attempts;
        }
        add(attempt, entry.time, entry.event, entry.unit, entry.reason);
    }

    void close_all(const std::string& journal, const char* kind) {
        for (auto open = open_.begin(); open != open_.end();) {
            if (std::get<0>(open->first) != journal) {
                ++open;
                continue;
            }
            add(open->second, latest_[journal], kind, std::get<2>(open->first), "");
            open = open_.erase(open);
        }
    }

    void add(const Attempt& attempt, double end, const std::string& kind, std::int64_t unit, std::string reason) {
        timeline_.spans.push_back({.worker = attempt.worker,
                                   .begin = attempt.begin,
                                   .end = std::max(attempt.begin, end),
                                   .kind = kind,
                                   .unit = unit,
                                   .units = 1,
                                   .attempt = attempt.number,
                                   .reason = std::move(reason)});
    }

    RunTimeline timeline_;
    std::map<std::pair<std::string, int>, std::size_t> workers_;
    std::map<Key, Attempt> open_;
    std::map<std::int64_t, int> attempts_;
    std::map<std::string, double> latest_;
};

/// Joins neighbours that are no further apart than this; what went wrong stands alone.
std::vector<WorkSpan> joined_spans(const std::vector<WorkSpan>& spans, double apart) {
    std::vector<WorkSpan> joined;
    for (const WorkSpan& span : spans) {
        const bool is_plain = span.kind == "committed" && span.attempt == 1;
        if (!joined.empty() && is_plain) {
            WorkSpan& last = joined.back();
            if (last.worker == span.worker && last.kind == "committed" && last.attempt == 1 &&
                span.end - last.begin <= apart) {
                last.end = std::max(last.end, span.end);
                last.units += span.units;
                continue;
            }
        }
        joined.push_back(span);
    }
    return joined;
}

}  // namespace

RunTimeline read_timeline(const std::filesystem::path& folder, std::size_t most_spans) {
    TimelineReader reader;
    for_each_journal_entry(folder, [&](const JournalEntry& entry) { reader.read(entry); });
    RunTimeline timeline = reader.finish();
    if (timeline.spans.size() <= most_spans) return timeline;
    double begin = std::numeric_limits<double>::infinity(), end = -begin;
    for (const WorkSpan& span : timeline.spans) {
        begin = std::min(begin, span.begin);
        end = std::max(end, span.end);
    }
    timeline.is_coarse = true;
    for (double apart = (end - begin) / 1000; timeline.spans.size() > most_spans && apart < 4 * (end - begin);
         apart *= 2) {
        timeline.spans = joined_spans(timeline.spans, apart);
    }
    // So many failures that no page can show them all: the first.
    if (timeline.spans.size() > most_spans) timeline.spans.resize(most_spans);
    return timeline;
}

}  // namespace jobs
