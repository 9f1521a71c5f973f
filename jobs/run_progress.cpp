#include "jobs/run_progress.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "jobs/journal.h"
#include "jobs/unit_history.h"

namespace jobs {

namespace {

/// Beside what was measured elsewhere, or of another configuration.
constexpr double guess_above = 1.5, guess_below = 0.67;

/// Mean and spread of numbers that come one by one (Welford).
struct RunningMoments {
    std::int64_t count = 0;
    double mean = 0, square = 0;
    void add(double value) {
        ++count;
        const double step = value - mean;
        mean += step / static_cast<double>(count);
        square += step * (value - mean);
    }
    CostRate rate() const { return {count, mean, count < 2 ? 0 : std::sqrt(square / static_cast<double>(count - 1))}; }
};

/// One pass over the journals.
class ProgressReader {
  public:
    explicit ProgressReader(const SweepPlan& plan) : plan_(plan), moments_(plan.configurations().size()) {}

    void read(const JournalEntry& entry) {
        if (entry.event == "run") {
            // Of earlier launches only what their units took still counts.
            std::erase_if(workers_, [&](const auto& worker) { return worker.first.first == entry.journal; });
            std::erase_if(open_, [&](const auto& open) { return open.second == entry.journal; });
        }
        if (entry.unit < 0 || entry.unit >= plan_.unit_count()) return;
        if (entry.event == "assigned") open_[entry.unit] = entry.journal;
        if (entry.event != "assigned" && entry.event != "quarantined") open_.erase(entry.unit);
        if (entry.event == "committed") commit(entry);
    }

    std::vector<WorkerProgress> workers() const {
        std::vector<WorkerProgress> all;
        for (const auto& [key, worker] : workers_) all.push_back(worker);
        return all;
    }
    const RunningMoments& moments(std::size_t configuration) const { return moments_[configuration]; }
    const std::map<std::int64_t, double>& seconds() const { return seconds_; }
    const std::map<std::int64_t, std::string>& open() const { return open_; }

  private:
    void commit(const JournalEntry& entry) {
        const auto index = static_cast<std::size_t>(plan_.configuration_index(entry.unit));
        const double cost = plan_.cost(entry.unit);
        if (cost > 0 && seconds_.emplace(entry.unit, entry.seconds).second) moments_[index].add(entry.seconds / cost);
        WorkerProgress& worker = workers_[{entry.journal, entry.rank}];
        worker.rank = entry.rank;
        worker.host = entry.host;
        worker.device = entry.device;
        worker.journal = entry.journal;
        ++worker.units;
        worker.images += plan_.unit_size(entry.unit);
        worker.seconds += entry.seconds;
    }

    const SweepPlan& plan_;
    std::vector<RunningMoments> moments_;
    std::map<std::int64_t, double> seconds_;    ///< Of committed units.
    std::map<std::int64_t, std::string> open_;  ///< Units at which somebody is, with the journal that says so.
    std::map<std::pair<std::string, int>, WorkerProgress> workers_;
};

}  // namespace

RunProgress run_progress(const Campaign& campaign, bool is_running) {
    const SweepPlan& plan = campaign.plan();
    ProgressReader reader(plan);
    HistoryReader histories;
    for_each_journal_entry(campaign.folder(), [&](const JournalEntry& entry) {
        reader.read(entry);
        histories.read(entry);
    });
    const std::vector<std::int64_t> committed = campaign.committed();
    RunProgress progress;
    std::map<std::int64_t, std::string> failed;
    for (const auto& [unit, history] : histories.finish()) {
        if (!history.is_quarantined || std::ranges::binary_search(committed, unit)) continue;
        failed[unit] = history.reason;
        progress.failures.push_back({unit, history.reason});
    }
    for (std::size_t index = 0; index < plan.configurations().size(); ++index) {
        const PlannedConfiguration& planned = plan.configurations()[index];
        PointProgress point{.planned = &planned, .units = planned.units};
        point.rate = reader.moments(index).rate();
        for (std::int64_t unit = planned.first_unit; unit < planned.first_unit + planned.units; ++unit) {
            const std::int64_t images = plan.unit_size(unit);
            point.images += images;
            if (std::ranges::binary_search(committed, unit)) {
                ++point.done;
                point.images_done += images;
                const auto seconds = reader.seconds().find(unit);
                if (seconds != reader.seconds().end()) point.seconds += seconds->second;
            } else if (failed.contains(unit)) {
                ++point.failed;
            } else {
                const double cost = plan.cost(unit);
                point.cost_left += cost;
                point.largest_cost_left = std::max(point.largest_cost_left, cost);
                if (is_running && reader.open().contains(unit)) ++point.running;
            }
        }
        progress.points.push_back(point);
    }
    progress.workers = reader.workers();
    return progress;
}

TimeLeft time_left(const RunProgress& progress, int workers,
                   const std::function<double(const PlannedConfiguration&)>& predicted) {
    double all_seconds = 0, all_cost = 0;
    for (const PointProgress& point : progress.points) {
        if (point.rate.units == 0 || !(point.rate.mean > 0)) continue;
        all_seconds += point.seconds;
        all_cost += point.seconds / point.rate.mean;
    }
    TimeLeft left;
    double expected = 0, low = 0, high = 0, variance = 0, longest = 0;
    for (const PointProgress& point : progress.points) {
        if (point.cost_left <= 0) continue;
        if (point.rate.units > 0) {
            const double seconds = point.cost_left * point.rate.mean;
            expected += seconds;
            low += seconds;
            high += seconds;
            const double units_left = static_cast<double>(point.units - point.done - point.failed);
            const double of_mean =
                point.cost_left * point.rate.deviation / std::sqrt(static_cast<double>(point.rate.units));
            const double of_unit = point.cost_left / std::max(units_left, 1.0) * point.rate.deviation;
            variance += of_mean * of_mean + units_left * of_unit * of_unit;
            longest = std::max(longest, point.largest_cost_left * point.rate.mean);
            continue;
        }
        double rate = predicted ? predicted(*point.planned) : 0;
        if (!(rate > 0) && all_cost > 0) rate = all_seconds / all_cost;
        if (!(rate > 0)) return left;
        expected += point.cost_left * rate;
        low += guess_below * point.cost_left * rate;
        high += guess_above * point.cost_left * rate;
        longest = std::max(longest, point.largest_cost_left * rate);
    }
    const double shared = std::max(1, workers), deviation = 2 * std::sqrt(variance);
    left.is_known = true;
    left.expected = expected / shared;
    left.low = std::max(0.0, low - deviation) / shared;
    // With one worker nobody waits for the last unit.
    left.high = (high + deviation) / shared + (workers > 1 ? longest * (shared - 1) / shared : 0);
    return left;
}

}  // namespace jobs
