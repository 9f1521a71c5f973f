#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace workers {

enum class WorkerState {
    loading,  ///< Has not asked for a unit yet.
    waiting,  ///< Asked for a unit and has no answer yet.
    working,
    left,  ///< Was told to stop.
    dead,  ///< Ended, or silent for too long.
};

/// "loading", "waiting", …
std::string to_word(WorkerState state);

/// What the coordinator knows of one worker.
struct WorkerView {
    std::string host, device;
    WorkerState state = WorkerState::loading;
    double last_heard = 0;
    std::int64_t unit = -1;
    double unit_began = 0;
    bool has_stepped = false;     ///< Said something since its unit began.
    bool is_replacement = false;  ///< Loads alone.
    bool is_to_stop = false;      ///< Lays its unit down at its next word.
    bool is_gone = false;         ///< Its process has ended: nothing may be sent to it.
};

/// The workers of a run, by rank, with how long each may be silent. It has no clock and sends nothing.
class Crew {
  public:
    /// Ranks 1 … size−1 are loading from `now` on.
    Crew(int size, double now, double silence_seconds, double load_seconds);

    WorkerView* find(int rank);
    WorkerView& add(int rank, double now, bool is_replacement);
    /// A word of a worker: how long steps take is learnt from it.
    void heard(WorkerView& worker, double now);
    void change_state(int rank, WorkerView& worker, WorkerState state);
    void begin_unit(int rank, WorkerView& worker, std::int64_t unit, double now);

    /// Workers that have been silent for longer than they may.
    std::vector<int> silent(double now) const;
    const std::set<int>& waiting() const { return waiting_; }
    int count(WorkerState state) const;
    int alive() const {
        return count(WorkerState::loading) + static_cast<int>(waiting_.size()) + count(WorkerState::working);
    }
    std::map<int, WorkerView>& all() { return workers_; }
    const std::map<int, WorkerView>& all() const { return workers_; }

  private:
    double silence_seconds_, load_seconds_;
    double slowest_step_ = 0;
    std::map<int, WorkerView> workers_;
    std::set<int> waiting_;
    std::map<WorkerState, int> counts_;
};

}  // namespace workers
