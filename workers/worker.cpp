#include "workers/worker.h"

#include <c10/util/Exception.h>

#include <chrono>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"

namespace workers {

namespace {

using BeatClock = std::chrono::steady_clock;

/// Says "I am alive" no more often than every few seconds.
class Heart {
  public:
    Heart(cluster::Channel& channel, const WorkerSettings& settings) : channel_(channel), settings_(settings) {}

    void beat(std::int64_t unit) {
        if (settings_.is_terminated && settings_.is_terminated()) throw Terminated{};
        const BeatClock::time_point now = BeatClock::now();
        if (std::chrono::duration<double>(now - last_).count() < settings_.beat_seconds) return;
        last_ = now;
        channel_.send(0, to_text({.kind = MessageKind::beat, .unit = unit}));
    }

  private:
    cluster::Channel& channel_;
    const WorkerSettings& settings_;
    BeatClock::time_point last_ = BeatClock::now();
};

Message await_answer(cluster::Channel& channel, Heart& heart) {
    while (true) {
        if (const std::optional<cluster::Envelope> envelope = channel.poll()) return parse_message(envelope->text);
        heart.beat(-1);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

Message compute_and_report(std::int64_t unit, const ComputeUnit& compute, Heart& heart,
                           const WorkerSettings& settings) {
    try {
        const pipeline::UnitCost cost = compute(unit, [&] { heart.beat(unit); });
        return {.kind = MessageKind::done,
                .unit = unit,
                .seconds = cost.seconds,
                .seconds_sampling = cost.seconds_sampling,
                .diverged = cost.diverged,
                .unreadable = cost.unreadable};
    } catch (const std::exception& error) {
        const FailureReport report = describe_failure(error);
        if (settings.on_failure) settings.on_failure(unit, report.reason);
        return {.kind = MessageKind::failed, .unit = unit, .may_pass = report.may_pass, .reason = report.reason};
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
                      // LibTorch's allocator throws its general error.
                      (torch_error != nullptr && report.reason.find("allocate memory") != std::string::npos);
    // One line, readable in a log.
    report.reason = pipeline::printable(report.reason.substr(0, report.reason.find('\n')));
    if (report.reason.empty()) report.reason = "an error without a message";
    return report;
}

bool work(cluster::Channel& channel, const Message& hello, const ComputeUnit& compute, const WorkerSettings& settings) {
    Heart heart(channel, settings);
    channel.send(0, to_text(hello));
    try {
        while (true) {
            channel.send(0, to_text({.kind = MessageKind::ready}));
            const Message answer = await_answer(channel, heart);
            if (answer.kind == MessageKind::stop) return true;
            if (answer.kind != MessageKind::unit)
                throw std::runtime_error("worker: rank 0 answered " + to_text(answer));
            channel.send(0, to_text(compute_and_report(answer.unit, compute, heart, settings)));
        }
    } catch (const Terminated&) {
        return false;
    }
}

}  // namespace workers
