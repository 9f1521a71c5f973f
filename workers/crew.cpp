#include "workers/crew.h"

#include <algorithm>

namespace workers {

namespace {

/// A worker may be silent for so many times the slowest step that was seen.
constexpr double patience = 10;

}  // namespace

std::string to_word(WorkerState state) {
    switch (state) {
        case WorkerState::loading:
            return "loading";
        case WorkerState::waiting:
            return "waiting";
        case WorkerState::working:
            return "working";
        case WorkerState::left:
            return "left";
        case WorkerState::dead:
            return "dead";
    }
    return "?";
}

Crew::Crew(int size, double now, double silence_seconds, double load_seconds)
    : silence_seconds_(silence_seconds), load_seconds_(load_seconds) {
    for (int rank = 1; rank < size; ++rank) add(rank, now, false);
}

WorkerView* Crew::find(int rank) {
    const auto found = workers_.find(rank);
    return found == workers_.end() ? nullptr : &found->second;
}

WorkerView& Crew::add(int rank, double now, bool is_replacement) {
    WorkerView& worker = workers_[rank];
    worker.last_heard = now;
    worker.is_replacement = is_replacement;
    ++counts_[worker.state];
    return worker;
}

void Crew::heard(WorkerView& worker, double now, bool is_at_work) {
    if (worker.state == WorkerState::working && is_at_work) {
        // The first step of a unit has a grace of its own and may be far slower than the others.
        if (worker.has_stepped) slowest_step_ = std::max(slowest_step_, now - worker.last_heard);
        worker.has_stepped = true;
    }
    worker.last_heard = now;
}

void Crew::change_state(int rank, WorkerView& worker, WorkerState state) {
    --counts_[worker.state];
    ++counts_[state];
    worker.state = state;
    waiting_.erase(rank);
    if (state == WorkerState::working) return;
    asking_ahead_.erase(rank);
    worker.hand.clear();
    worker.at_work = -1;
    if (state == WorkerState::waiting) waiting_.insert(rank);
}

void Crew::asks(int rank, WorkerView& worker) {
    worker.is_asking = true;
    if (worker.hand.empty()) return change_state(rank, worker, WorkerState::waiting);
    asking_ahead_.insert(rank);
}

void Crew::give(int rank, WorkerView& worker, std::int64_t unit, double began, double now) {
    worker.is_asking = worker.is_told_to_lay_down = false;
    asking_ahead_.erase(rank);
    worker.hand.push_back({unit, began});
    if (worker.hand.size() > 1) return;
    change_state(rank, worker, WorkerState::working);
    begin_sampling(worker, unit, now);
    worker.last_heard = now;
}

void Crew::begin_sampling(WorkerView& worker, std::int64_t unit, double now) {
    for (UnitInHand& held : worker.hand) {
        if (held.number != unit || worker.at_work == unit) continue;
        worker.at_work = unit;
        worker.has_stepped = false;
        held.began = now;
    }
}

void Crew::lay_down(int rank, WorkerView& worker, std::int64_t unit) {
    std::erase_if(worker.hand, [&](const UnitInHand& held) { return held.number == unit; });
    if (worker.at_work == unit) worker.at_work = -1;
    if (worker.state == WorkerState::working && worker.hand.empty() && worker.is_asking) {
        change_state(rank, worker, WorkerState::waiting);
    }
}

std::vector<int> Crew::silent(double now) const {
    const double usual = std::max(silence_seconds_, patience * slowest_step_);
    const double patient = std::max(load_seconds_, usual);
    std::vector<int> ranks;
    for (const auto& [rank, worker] : workers_) {
        if (worker.state == WorkerState::left || worker.state == WorkerState::dead) continue;
        const bool is_first_step = worker.state == WorkerState::working && !worker.has_stepped;
        const double allowed = worker.state == WorkerState::loading || is_first_step ? patient : usual;
        if (now - worker.last_heard > allowed) ranks.push_back(rank);
    }
    return ranks;
}

int Crew::count(WorkerState state) const {
    const auto found = counts_.find(state);
    return found == counts_.end() ? 0 : found->second;
}

}  // namespace workers
