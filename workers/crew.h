#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace workers {

enum class WorkerState {
    loading,  ///< Has not asked for a unit yet.
    waiting,  ///< Holds no unit, asked for one and has no answer yet.
    working,  ///< Holds units; may have asked for one more.
    left,     ///< Was told to stop.
    dead,     ///< Ended, or silent for too long.
};

/// "loading", "waiting", …
std::string to_word(WorkerState state);

/// A unit in a worker's hands, and when it was, or will be, begun.
struct UnitInHand {
    std::int64_t number = -1;
    double began = 0;
};

/// What the coordinator knows of one worker.
struct WorkerView {
    std::string host, device;
    WorkerState state = WorkerState::loading;
    double last_heard = 0;
    std::vector<UnitInHand> hand;      ///< Oldest first; more than one where it works ahead.
    std::int64_t at_work = -1;         ///< The unit of these that it samples, as far as is known.
    bool has_stepped = false;          ///< Said that it is still at that unit.
    bool is_asking = false;            ///< For a unit.
    bool is_told_to_lay_down = false;  ///< What it has not begun.
    bool is_replacement = false;       ///< Loads alone.
    bool is_to_stop = false;           ///< Lays its unit down at its next word.
    bool is_gone = false;              ///< Its process has ended: nothing may be sent to it.
};

/// The workers of a run, by rank, with how long each may be silent. It has no clock and sends nothing.
class Crew {
  public:
    /// Ranks 1 … size−1 are loading from `now` on.
    Crew(int size, double now, double silence_seconds, double load_seconds);

    WorkerView* find(int rank);
    WorkerView& add(int rank, double now, bool is_replacement);
    /// A word of a worker: how long steps take is learnt from it.
    /// @param is_at_work  the word says that it is at a unit
    void heard(WorkerView& worker, double now, bool is_at_work);
    void change_state(int rank, WorkerView& worker, WorkerState state);
    void asks(int rank, WorkerView& worker);
    /// @param began  when it is begun: later than now where the worker has another in hand
    void give(int rank, WorkerView& worker, std::int64_t unit, double began, double now);
    /// The worker has gone on to a unit in its hand.
    void begin_sampling(WorkerView& worker, std::int64_t unit, double now);
    /// Done with it, whatever way.
    void lay_down(int rank, WorkerView& worker, std::int64_t unit);

    /// Workers that have been silent for longer than they may.
    std::vector<int> silent(double now) const;
    const std::set<int>& waiting() const { return waiting_; }
    /// Those that work and ask for a unit ahead.
    const std::set<int>& asking_ahead() const { return asking_ahead_; }
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
    std::set<int> waiting_, asking_ahead_;
    std::map<WorkerState, int> counts_;
};

}  // namespace workers
