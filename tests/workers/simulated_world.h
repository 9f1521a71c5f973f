#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <queue>
#include <set>
#include <vector>

#include "cluster/channel.h"
#include "workers/coordinator.h"
#include "workers/message.h"

namespace test_support {

/// How one simulated worker behaves. Times are simulated seconds.
struct SimulatedWorker {
    double load_seconds = 1;
    double speed = 1;  ///< Cost a second.
    double latency_seconds = 0;
    double dies_at = std::numeric_limits<double>::infinity();
    bool is_local = true;                                        ///< Its death is seen by the coordinator's watch.
    double stalls_at = std::numeric_limits<double>::infinity();  ///< Does and says nothing …
    double stalls_for = 0;                                       ///< … for so long.
    bool repeats_itself = false;                                 ///< Every `done` comes twice.
    bool works_ahead = false;                                    ///< Asks for a unit while it has one.
    double finish_seconds = 0;  ///< Between a unit's sampling and its commit; where it works ahead, beside the next's.
    /// Throws at these units, for a reason that may pass.
    std::set<std::int64_t> fails_at = {};
    /// Ends at these units, half-way.
    std::set<std::int64_t> dies_of = {};
};

/// Workers with a simulated clock, behind the channel of the real `coordinate`: a discrete-event simulation that moves
/// on when the coordinator pauses. A worker behaves as `workers::work` does: greets, loads, asks, computes, beats.
class SimulatedWorld final : public cluster::Channel {
  public:
    /// @param cost      of a unit
    /// @param on_commit  a unit's file is there; called before `done` is sent
    SimulatedWorld(std::vector<SimulatedWorker> workers, std::function<double(std::int64_t)> cost,
                   std::function<void(std::int64_t)> on_commit);

    int rank() const override { return 0; }
    int size() const override { return first_size_; }
    void send(int destination, const std::string& text) override;
    std::optional<cluster::Envelope> poll() override;

    double now() const { return now_; }
    /// To the next event, at most a quarter of a second.
    void pause();
    /// The clock, watch, kill and replacement of this world.
    workers::CoordinatorLinks links();
    double beat_seconds = 2;
    double seconds_at_work() const { return seconds_at_work_; }  ///< Of all workers, computing.
    int started_later() const { return static_cast<int>(workers_.size()) - first_size_ + 1; }

  private:
    enum class Kind { arrives_at_coordinator, arrives_at_worker, loaded, beat, finished, committed, dies };
    struct Event {
        double time = 0;
        std::int64_t order = 0;
        Kind kind = Kind::beat;
        int rank = 0;
        std::int64_t task = 0;  ///< Of the worker, so that events of what it laid down are passed over.
        std::int64_t unit = -1;
        std::string text = {};
        bool operator>(const Event& other) const {
            return time != other.time ? time > other.time : order > other.order;
        }
    };
    struct State {
        SimulatedWorker behaviour;
        std::int64_t unit = -1, next = -1;
        std::int64_t task = 0;
        double began = 0;
        bool is_asking = false;
        bool is_dead = false, has_left = false, is_reported = false;
    };

    int add(const SimulatedWorker& behaviour);
    State& worker(int rank) { return workers_[static_cast<std::size_t>(rank - 1)]; }
    void schedule(double time, Kind kind, int rank, std::int64_t task, std::string text = {});
    void say(int rank, const workers::Message& message);
    void happen(Event event);
    void hear(int rank, const std::string& text);
    void ask(int rank);
    void begin(int rank, std::int64_t unit);
    void finish(int rank);
    void commit(int rank, std::int64_t unit, double seconds);
    void die(int rank);

    int first_size_;
    std::function<double(std::int64_t)> cost_;
    std::function<void(std::int64_t)> on_commit_;
    std::vector<State> workers_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::deque<cluster::Envelope> inbox_;
    double now_ = 0, seconds_at_work_ = 0;
    std::int64_t order_ = 0;
};

}  // namespace test_support
