#include "tests/workers/simulated_world.h"

#include <algorithm>
#include <utility>

namespace test_support {

using workers::Message;
using workers::MessageKind;

SimulatedWorld::SimulatedWorld(std::vector<SimulatedWorker> workers, std::function<double(std::int64_t)> cost,
                               std::function<void(std::int64_t)> on_commit)
    : first_size_(static_cast<int>(workers.size()) + 1), cost_(std::move(cost)), on_commit_(std::move(on_commit)) {
    for (const SimulatedWorker& behaviour : workers) add(behaviour);
}

int SimulatedWorld::add(const SimulatedWorker& behaviour) {
    workers_.push_back({.behaviour = behaviour});
    const int rank = static_cast<int>(workers_.size());
    say(rank, {.kind = MessageKind::hello, .process = rank, .host = "host", .device = "cpu", .digest = "digest"});
    schedule(now_ + behaviour.load_seconds, Kind::loaded, rank, 0);
    if (behaviour.dies_at < std::numeric_limits<double>::infinity()) {
        schedule(std::max(now_, behaviour.dies_at), Kind::dies, rank, 0);
    }
    return rank;
}

void SimulatedWorld::schedule(double time, Kind kind, int rank, std::int64_t task, std::string text) {
    events_.push({time, order_++, kind, rank, task, -1, std::move(text)});
}

void SimulatedWorld::say(int rank, const Message& message) {
    schedule(now_ + worker(rank).behaviour.latency_seconds, Kind::arrives_at_coordinator, rank, 0,
             workers::to_text(message));
}

void SimulatedWorld::send(int destination, const std::string& text) {
    schedule(now_ + worker(destination).behaviour.latency_seconds, Kind::arrives_at_worker, destination, 0, text);
}

std::optional<cluster::Envelope> SimulatedWorld::poll() {
    if (inbox_.empty()) return std::nullopt;
    cluster::Envelope envelope = std::move(inbox_.front());
    inbox_.pop_front();
    return envelope;
}

void SimulatedWorld::pause() {
    constexpr double longest = 0.25;
    const double until = events_.empty() ? now_ + longest : std::min(now_ + longest, events_.top().time);
    now_ = std::max(now_, until);
    while (!events_.empty() && events_.top().time <= now_) {
        Event event = events_.top();
        events_.pop();
        happen(std::move(event));
    }
}

void SimulatedWorld::happen(Event event) {
    if (event.kind == Kind::arrives_at_coordinator) {
        inbox_.push_back({event.rank, std::move(event.text)});
        return;
    }
    State& state = worker(event.rank);
    if (state.is_dead || state.has_left) return;
    if (event.kind == Kind::dies) return die(event.rank);
    // Whatever falls into a stall happens at its end.
    const SimulatedWorker& behaviour = state.behaviour;
    const double stall_end = behaviour.stalls_at + behaviour.stalls_for;
    if (event.time >= behaviour.stalls_at && event.time < stall_end) {
        event.time = stall_end;
        event.order = order_++;
        return events_.push(std::move(event));
    }
    const bool is_current = event.task == state.task;
    switch (event.kind) {
        case Kind::arrives_at_worker:
            return hear(event.rank, event.text);
        case Kind::loaded:
            say(event.rank, {.kind = MessageKind::loaded, .checksum = 1});
            return ask(event.rank);
        case Kind::beat:
            if (!is_current) return;
            say(event.rank, {.kind = MessageKind::beat, .unit = state.unit});
            return schedule(now_ + beat_seconds, Kind::beat, event.rank, event.task);
        case Kind::finished:
            if (is_current) finish(event.rank);
            return;
        case Kind::committed:
            return commit(event.rank, event.unit, 0);
        default:
            return;
    }
}

void SimulatedWorld::hear(int rank, const std::string& text) {
    const Message message = workers::parse_message(text);
    State& state = worker(rank);
    if (message.kind == MessageKind::unit) {
        state.is_asking = false;
        if (state.unit < 0) return begin(rank, message.unit);
        state.next = message.unit;
    }
    if (message.kind == MessageKind::lay_down && state.next == message.unit) {
        state.next = -1;
        say(rank, {.kind = MessageKind::laid_down, .unit = message.unit});
    }
    if (message.kind == MessageKind::stop) {
        state.has_left = true;
        ++state.task;
    }
}

void SimulatedWorld::ask(int rank) {
    if (worker(rank).is_asking) return;
    worker(rank).is_asking = true;
    say(rank, {.kind = MessageKind::ready});
}

void SimulatedWorld::begin(int rank, std::int64_t unit) {
    State& state = worker(rank);
    state.unit = unit;
    state.began = now_;
    if (state.behaviour.works_ahead) {
        ask(rank);
        say(rank, {.kind = MessageKind::beat, .unit = unit});
    }
    const double seconds = cost_(unit) / state.behaviour.speed;
    if (state.behaviour.dies_of.contains(unit)) schedule(now_ + seconds / 2, Kind::dies, rank, state.task);
    schedule(now_ + beat_seconds, Kind::beat, rank, state.task);
    schedule(now_ + seconds, Kind::finished, rank, state.task);
}

void SimulatedWorld::finish(int rank) {
    State& state = worker(rank);
    ++state.task;
    seconds_at_work_ += now_ - state.began;
    const std::int64_t unit = std::exchange(state.unit, -1), next = std::exchange(state.next, -1);
    if (state.behaviour.fails_at.contains(unit)) {
        say(rank, {.kind = MessageKind::failed, .unit = unit, .may_pass = true, .reason = "no memory"});
    } else if (state.behaviour.works_ahead) {
        events_.push({now_ + state.behaviour.finish_seconds, order_++, Kind::committed, rank, 0, unit});
    } else {
        commit(rank, unit, now_ - state.began);
    }
    if (next >= 0) return begin(rank, next);
    ask(rank);
}

void SimulatedWorld::commit(int rank, std::int64_t unit, double seconds) {
    on_commit_(unit);
    const Message done{.kind = MessageKind::done, .unit = unit, .seconds = seconds > 0 ? seconds : cost_(unit)};
    say(rank, done);
    if (worker(rank).behaviour.repeats_itself) say(rank, done);
}

void SimulatedWorld::die(int rank) {
    worker(rank).is_dead = true;
}

workers::CoordinatorLinks SimulatedWorld::links() {
    workers::CoordinatorLinks links;
    links.now = [this] { return now_; };
    links.pause = [this] { pause(); };
    links.ended = [this] {
        std::vector<int> ranks;
        for (std::size_t index = 0; index < workers_.size(); ++index) {
            State& state = workers_[index];
            if (!state.is_dead || state.is_reported || !state.behaviour.is_local) continue;
            state.is_reported = true;
            ranks.push_back(static_cast<int>(index) + 1);
        }
        return ranks;
    };
    links.kill = [this](int rank) {
        if (worker(rank).behaviour.is_local) die(rank);
    };
    links.replace = [this](int) {
        SimulatedWorker behaviour;
        behaviour.load_seconds = 2;
        return add(behaviour);
    };
    return links;
}

}  // namespace test_support
