#include "workers/heart.h"

#include <algorithm>

namespace workers {

namespace {

/// A coordinator may be silent for so many times this worker's slowest step.
constexpr double steps_of_patience = 10;
/// Between two looks at the coordinator's process.
constexpr double look_seconds = 0.5;

double heart_seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

std::optional<Message> Heart::listen() {
    while (const std::optional<cluster::Envelope> envelope = channel_.poll()) {
        unanswered_since_.reset();
        Message message = parse_message(envelope->text);
        if (message.kind == MessageKind::stop) throw Departure::stopped;
        if (message.kind != MessageKind::alive) return message;
        if (message.process != 0 && settings_.on_coordinator) settings_.on_coordinator(message.host, message.process);
    }
    return std::nullopt;
}

void Heart::keep_alive(std::int64_t unit) {
    if (settings_.is_terminated && settings_.is_terminated()) throw Departure::terminated;
    if (heart_seconds_since(looked_) >= look_seconds) {
        looked_ = Clock::now();
        if (settings_.is_coordinator_gone && settings_.is_coordinator_gone()) throw Departure::coordinator_gone;
    }
    const double patience = std::max(settings_.silence_seconds, steps_of_patience * slowest_step_);
    if (unanswered_since_ && heart_seconds_since(*unanswered_since_) > patience) throw Departure::coordinator_gone;
    if (heart_seconds_since(said_) >= settings_.beat_seconds) beat(unit);
}

void Heart::beat(std::int64_t unit) {
    said_ = Clock::now();
    if (!unanswered_since_) unanswered_since_ = said_;
    channel_.send(0, to_text({.kind = MessageKind::beat, .unit = unit}));
}

void Heart::begin(std::int64_t unit) {
    stepped_ = Clock::now();
    // Without a unit ahead rank 0 knows: it has just dealt this one.
    if (settings_.works_ahead) beat(unit);
}

void Heart::count_step() {
    slowest_step_ = std::max(slowest_step_, heart_seconds_since(stepped_));
    stepped_ = Clock::now();
}

}  // namespace workers
