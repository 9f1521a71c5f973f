#include "workers/worker.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"

namespace workers {

namespace {

using BeatClock = std::chrono::steady_clock;

/// A coordinator may be silent for so many times this worker's slowest step.
constexpr double steps_of_patience = 10;
/// Between two looks at the coordinator's process.
constexpr double look_seconds = 0.5;

double beat_seconds_since(BeatClock::time_point begin) {
    return std::chrono::duration<double>(BeatClock::now() - begin).count();
}

/// Says "I am alive" no more often than every few seconds, and listens whether the coordinator is. Throws a Departure
/// where this worker has to leave.
class Heart {
  public:
    Heart(cluster::Channel& channel, const WorkerSettings& settings) : channel_(channel), settings_(settings) {}

    /// In a unit, between two steps.
    void beat(std::int64_t unit) {
        slowest_step_ = std::max(slowest_step_, beat_seconds_since(stepped_));
        stepped_ = BeatClock::now();
        if (const std::optional<Message> message = listen()) {
            throw std::runtime_error("worker: rank 0 said " + to_text(*message) + " in the middle of a unit");
        }
        keep_alive(unit);
    }

    /// A unit begins: what passed since the last one was no step.
    void begin() { stepped_ = BeatClock::now(); }

    /// The next message that is an answer. Nothing yet: after a heartbeat, if one is due.
    std::optional<Message> answer() {
        std::optional<Message> message = listen();
        if (!message) keep_alive(-1);
        return message;
    }

  private:
    std::optional<Message> listen() {
        while (const std::optional<cluster::Envelope> envelope = channel_.poll()) {
            unanswered_since_.reset();
            Message message = parse_message(envelope->text);
            if (message.kind == MessageKind::stop) throw Departure::stopped;
            if (message.kind != MessageKind::alive) return message;
            if (message.process != 0 && settings_.on_coordinator) {
                settings_.on_coordinator(message.host, message.process);
            }
        }
        return std::nullopt;
    }

    void keep_alive(std::int64_t unit) {
        if (settings_.is_terminated && settings_.is_terminated()) throw Departure::terminated;
        if (beat_seconds_since(looked_) >= look_seconds) {
            looked_ = BeatClock::now();
            if (settings_.is_coordinator_gone && settings_.is_coordinator_gone()) throw Departure::coordinator_gone;
        }
        const double patience = std::max(settings_.silence_seconds, steps_of_patience * slowest_step_);
        if (unanswered_since_ && beat_seconds_since(*unanswered_since_) > patience) throw Departure::coordinator_gone;
        if (beat_seconds_since(said_) < settings_.beat_seconds) return;
        said_ = BeatClock::now();
        if (!unanswered_since_) unanswered_since_ = said_;
        channel_.send(0, to_text({.kind = MessageKind::beat, .unit = unit}));
    }

    cluster::Channel& channel_;
    const WorkerSettings& settings_;
    BeatClock::time_point said_ = BeatClock::now(), looked_ = said_, stepped_ = said_;
    std::optional<BeatClock::time_point> unanswered_since_;  ///< The first heartbeat that has no answer.
    double slowest_step_ = 0;
};

Message await_answer(Heart& heart) {
    const BeatClock::time_point begin = BeatClock::now();
    while (true) {
        if (std::optional<Message> message = heart.answer()) return *message;
        // Who has waited for long is at the end of a sweep and need not hurry.
        std::this_thread::sleep_for(std::chrono::milliseconds(beat_seconds_since(begin) < 1 ? 1 : 10));
    }
}

Message compute_and_report(std::int64_t unit, const ComputeUnit& compute, Heart& heart,
                           const WorkerSettings& settings) {
    try {
        heart.begin();
        const pipeline::UnitCost cost = compute(unit, [&] { heart.beat(unit); });
        return {.kind = MessageKind::done,
                .unit = unit,
                .seconds = cost.seconds,
                .seconds_sampling = cost.seconds_sampling,
                .diverged = cost.diverged,
                .unreadable = cost.unreadable};
    } catch (const std::exception& error) {
        FailureReport report = describe_failure(error);
        if (settings.on_failure) settings.on_failure(unit, report);
        return {.kind = MessageKind::failed,
                .unit = unit,
                .may_pass = report.may_pass,
                .exit_code = report.exit_code,
                .reason = report.reason};
    }
}

}  // namespace

FailureReport describe_failure(const std::exception& error) {
    FailureReport report;
    const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
    report.reason = torch_error != nullptr ? torch_error->what_without_backtrace() : error.what();
    report.may_pass = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                      dynamic_cast<const std::system_error*>(&error) != nullptr ||
                      dynamic_cast<const pipeline::FileError*>(&error) != nullptr ||
                      dynamic_cast<const pipeline::Hdf5Error*>(&error) != nullptr ||
                      dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
                      // LibTorch's allocator throws its general error.
                      (torch_error != nullptr && report.reason.find("allocate memory") != std::string::npos);
    // One line, readable in a log.
    report.reason = pipeline::printable(report.reason.substr(0, report.reason.find('\n')));
    if (report.reason.empty()) report.reason = "an error without a message";
    return report;
}

Departure work(cluster::Channel& channel, const ComputeUnit& compute, const WorkerSettings& settings) {
    Heart heart(channel, settings);
    try {
        while (true) {
            channel.send(0, to_text({.kind = MessageKind::ready}));
            const Message answer = await_answer(heart);
            if (answer.kind != MessageKind::unit)
                throw std::runtime_error("worker: rank 0 answered " + to_text(answer));
            channel.send(0, to_text(compute_and_report(answer.unit, compute, heart, settings)));
        }
    } catch (const Departure departure) {
        return departure;
    }
}

}  // namespace workers
