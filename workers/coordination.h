#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "workers/clock.h"
#include "workers/coordinator.h"
#include "workers/crew.h"
#include "workers/journal_entries.h"
#include "workers/message.h"

namespace workers {

/// Which units may be dealt; null: all.
using Fits = std::function<bool(std::int64_t unit)>;

/// One run of `coordinate`: what it hears stands in coordination_hearing.cpp, what it does about workers and units in
/// coordination_dealing.cpp, its round and its end in coordinator.cpp.
class Coordination {
  public:
    Coordination(WorkQueue& queue, cluster::Channel& channel, const CoordinatorSettings& settings,
                 const CoordinatorLinks& links)
        : queue_(queue),
          channel_(channel),
          settings_(settings),
          links_(links),
          costs_(settings.costs),
          begin_(now()),
          crew_(channel.size(), begin_, settings.silence_seconds, settings.load_seconds),
          replacements_left_(settings.replacements) {}

    Outcome run();

  private:
    double now() const { return links_.now ? links_.now() : steady_seconds(); }
    int configuration(std::int64_t unit) const {
        return settings_.configuration_of ? settings_.configuration_of(unit) : 0;
    }

    // What workers say.
    void hear(const cluster::Envelope& envelope);
    void hear_dead(int rank, const WorkerView& worker, const Message& message);
    void welcome(int rank, WorkerView& worker, const Message& message);
    void loaded(int rank, const Message& message);
    void committed(int rank, const Message& message);
    void failed(int rank, const Message& message);
    void refused(int rank, WorkerView& worker, const Message& message);
    void beat(int rank, WorkerView& worker, std::int64_t unit);
    void laid_down(int rank, std::int64_t unit);

    // What it does about them.
    void answer_waiting();
    void answer_ahead(const Fits& fits, std::vector<std::pair<int, std::int64_t>>& dealt);
    Fits deadline_filter(bool& is_time_short);
    double hand_ends(const WorkerView& worker) const;
    void stop(int rank, WorkerView& worker);
    void check();
    void bury(int rank, const std::string& reason);
    void replace(int dead);
    void keep_deadline();
    void take_back_what_waits();
    bool ends_in_time(std::int64_t unit, double began) const;
    bool is_over();

    // What it tells.
    Author author(int rank);
    void say(int rank, const Message& message);
    void note(const jobs::JournalEntry& entry);
    void note(const std::string& event, int rank, std::int64_t unit = -1, const std::string& reason = {});
    void make_durable();
    void tell_status(const std::string& state);
    Outcome end(int exit_code, const std::string& reason);
    Outcome end_of_work();

    WorkQueue& queue_;
    cluster::Channel& channel_;
    const CoordinatorSettings& settings_;
    const CoordinatorLinks& links_;
    CostModel costs_;
    const double begin_;
    Crew crew_;
    double told_ = 0, checked_ = 0;
    std::optional<double> nothing_left_since_;
    int replacements_left_;
    std::optional<std::uint64_t> checksum_;
    bool is_draining_ = false, has_noted_ = false;
    std::string last_death_;
    std::optional<Verdict> refusal_;
};

}  // namespace workers
