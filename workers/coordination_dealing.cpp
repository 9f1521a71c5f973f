#include <algorithm>
#include <exception>
#include <limits>

#include "workers/coordination.h"

namespace workers {

namespace {

/// A unit is expected to take so many times what the cost model says.
constexpr double caution = 1.2;

}  // namespace

void Coordination::stop(int rank, WorkerView& worker) {
    say(rank, {.kind = MessageKind::stop});
    crew_.change_state(rank, worker, WorkerState::left);
}

bool Coordination::ends_in_time(std::int64_t unit, double began) const {
    const std::optional<double> seconds = costs_.seconds(configuration(unit), queue_.cost(unit));
    return began + caution * seconds.value_or(0) <= settings_.deadline - settings_.deadline_margin_seconds;
}

Fits Coordination::deadline_filter(bool& is_time_short) {
    if (settings_.deadline == std::numeric_limits<double>::infinity()) return nullptr;
    return [this, &is_time_short, time = now()](std::int64_t unit) {
        const bool is_in_time = ends_in_time(unit, time);
        is_time_short = is_time_short || !is_in_time;
        return is_in_time;
    };
}

double Coordination::hand_ends(const WorkerView& worker) const {
    double time = now();
    for (const UnitInHand& held : worker.hand) {
        const double seconds = costs_.seconds(configuration(held.number), queue_.cost(held.number)).value_or(0);
        time = std::max(time, held.began + seconds);
    }
    return time;
}

void Coordination::answer_ahead(const Fits& fits, std::vector<std::pair<int, std::int64_t>>& dealt) {
    const std::vector<int> asking(crew_.asking_ahead().begin(), crew_.asking_ahead().end());
    for (const int rank : asking) {
        // Towards the end every unit goes to a worker with empty hands, and one that has ended workers has them alone.
        if (is_draining_ || queue_.waiting() < crew_.alive()) return;
        const WorkerView& worker = *crew_.find(rank);
        const bool holds_suspect =
            std::ranges::any_of(worker.hand, [this](const UnitInHand& held) { return queue_.is_suspect(held.number); });
        if (holds_suspect || worker.is_to_stop) continue;
        const double begin = hand_ends(worker);
        const std::optional<std::int64_t> unit = queue_.assign(rank, crew_.alive() == 1, [&](std::int64_t candidate) {
            return !queue_.is_suspect(candidate) && (!fits || (fits(candidate) && ends_in_time(candidate, begin)));
        });
        if (!unit) continue;
        note("assigned", rank, *unit);
        dealt.emplace_back(rank, *unit);
    }
}

void Coordination::answer_waiting() {
    if (crew_.waiting().empty() && crew_.asking_ahead().empty()) return make_durable();
    const std::vector<int> waiting(crew_.waiting().begin(), crew_.waiting().end());
    std::vector<std::pair<int, std::int64_t>> dealt;
    const double time = now();
    bool is_time_short = false;
    const Fits fits = deadline_filter(is_time_short);
    for (const int rank : waiting) {
        if (queue_.is_finished() || is_draining_) {
            stop(rank, *crew_.find(rank));
            continue;
        }
        if (queue_.waiting() == 0) break;
        // What failed here waits for another worker; until one is free this one has nothing to do.
        const std::optional<std::int64_t> unit = queue_.assign(rank, crew_.alive() == 1, fits);
        if (unit) {
            note("assigned", rank, *unit);
            dealt.emplace_back(rank, *unit);
        } else if (is_time_short) {
            // The deadline comes nearer only.
            is_draining_ = true;
        }
    }
    answer_ahead(fits, dealt);
    // Attempts are on record before they begin, so that a unit which ends everything is known.
    make_durable();
    for (const auto& [rank, unit] : dealt) {
        say(rank, {.kind = MessageKind::unit, .unit = unit});
        WorkerView& worker = *crew_.find(rank);
        crew_.give(rank, worker, unit, worker.hand.empty() ? time : hand_ends(worker), time);
    }
}

void Coordination::bury(int rank, const std::string& reason) {
    WorkerView& worker = *crew_.find(rank);
    const std::vector<UnitInHand> hand = worker.hand;
    // The first replicas are loaded together: without this one the others wait for ever.
    const bool is_group_broken =
        worker.state == WorkerState::loading && !worker.is_replacement && crew_.count(WorkerState::loading) > 1;
    crew_.change_state(rank, worker, WorkerState::dead);
    last_death_ = reason;
    if (!worker.is_gone && links_.kill) links_.kill(rank);
    if (hand.empty()) note("worker lost", rank, -1, reason);
    // Any of them may have ended it; dealt alone from now on, the one that does will be found out.
    for (const UnitInHand& held : hand) {
        note("died", rank, held.number, reason);
        if (queue_.lose(held.number, rank, reason)) {
            note("quarantined", rank, held.number, queue_.quarantined().back().reason);
        }
    }
    if (is_group_broken) {
        refusal_ = Verdict{
            .exit_code = exit_incomplete, .reason = reason + ", while the model was loaded", .may_start_again = true};
        return;
    }
    replace(rank);
}

void Coordination::replace(int dead) {
    if (!links_.replace || replacements_left_ == 0 || is_draining_ || queue_.waiting() == 0) return;
    --replacements_left_;
    try {
        const int rank = links_.replace(dead);
        crew_.add(rank, now(), true);
        note("worker started", rank);
    } catch (const std::exception& error) {
        // The others go on without one.
        note("worker not started", dead, -1, error.what());
    }
}

void Coordination::keep_deadline() {
    const double time = now();
    const bool is_short = time >= settings_.deadline - settings_.deadline_margin_seconds;
    if (is_short) is_draining_ = true;
    if (is_draining_) take_back_what_waits();
    if (!is_draining_ || settings_.deadline == std::numeric_limits<double>::infinity()) return;
    for (auto& [rank, worker] : crew_.all()) {
        for (const UnitInHand& held : worker.hand) {
            if (is_short || !ends_in_time(held.number, held.began)) worker.is_to_stop = true;
        }
    }
}

void Coordination::take_back_what_waits() {
    for (auto& [rank, worker] : crew_.all()) {
        if (worker.hand.size() < 2 || worker.is_told_to_lay_down || worker.hand.back().number == worker.at_work)
            continue;
        worker.is_told_to_lay_down = true;
        say(rank, {.kind = MessageKind::lay_down, .unit = worker.hand.back().number});
    }
}

}  // namespace workers
