#include "workers/worker.h"

#include <c10/util/Exception.h>

#include <chrono>
#include <future>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "workers/heart.h"
#include "workers/side_thread.h"

namespace workers {

namespace {

/// A unit that this worker holds, and the part of it that is under way beside.
struct HeldUnit {
    std::int64_t number = -1;
    std::shared_ptr<UnitTask> task;
    pipeline::UnitCost cost;
    std::future<void> part;

    bool is_ready() const { return part.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
};

/// One run of `work`.
class Work {
  public:
    Work(cluster::Channel& channel, const MakeTask& make_task, const WorkerSettings& settings)
        : channel_(channel),
          make_task_(make_task),
          settings_(settings),
          heart_(channel, settings),
          side_(settings.works_ahead, settings.on_side_thread) {}

    [[noreturn]] void run() {
        while (true) {
            ask();
            await([this] { return next_ != nullptr; }, -1);
            compute(std::exchange(next_, nullptr));
        }
    }

  private:
    void compute(std::shared_ptr<HeldUnit> unit) {
        if (settings_.works_ahead) ask();
        try {
            // Not at it yet: its first step has a grace of its own.
            await([&] { return unit->is_ready(); }, -1);
            unit->part.get();
            heart_.begin(unit->number);
            unit->task->sample([&] {
                heart_.count_step();
                look(unit->number);
            });
        } catch (const std::exception& error) {
            return report_failure(unit->number, error);
        }
        // One unit is finished at a time.
        await([this] { return finishing_ == nullptr; }, unit->number);
        unit->part = side_.run([unit] { unit->cost = unit->task->finish(); });
        finishing_ = std::move(unit);
        settle();
    }

    void ask() {
        if (has_asked_) return;
        has_asked_ = true;
        channel_.send(0, to_text({.kind = MessageKind::ready}));
    }

    /// Whatever rank 0 has said and the second thread has done; a heartbeat, if one is due.
    void look(std::int64_t unit) {
        while (const std::optional<Message> message = heart_.listen()) hear(*message);
        settle();
        heart_.keep_alive(unit);
    }

    void hear(const Message& message) {
        if (message.kind == MessageKind::unit && has_asked_ && next_ == nullptr) {
            has_asked_ = false;
            next_ = std::make_shared<HeldUnit>();
            next_->number = message.unit;
            next_->part = side_.run([this, unit = next_] {
                unit->task = make_task_(unit->number);
                unit->task->prepare();
            });
        } else if (message.kind == MessageKind::lay_down) {
            // Too late for one that is sampled already: it goes on.
            if (next_ == nullptr || next_->number != message.unit) return;
            next_.reset();
            channel_.send(0, to_text({.kind = MessageKind::laid_down, .unit = message.unit}));
        } else {
            throw std::runtime_error("worker: rank 0 said " + to_text(message) + ", which was not expected");
        }
    }

    /// Reports the unit that has been finished, if one has.
    void settle() {
        if (finishing_ == nullptr || !finishing_->is_ready()) return;
        const std::shared_ptr<HeldUnit> unit = std::exchange(finishing_, nullptr);
        try {
            unit->part.get();
            channel_.send(0, to_text({.kind = MessageKind::done,
                                      .unit = unit->number,
                                      .seconds = unit->cost.seconds,
                                      .seconds_sampling = unit->cost.seconds_sampling,
                                      .diverged = unit->cost.diverged,
                                      .unreadable = unit->cost.unreadable}));
        } catch (const std::exception& error) {
            report_failure(unit->number, error);
        }
    }

    void report_failure(std::int64_t unit, const std::exception& error) {
        FailureReport report = describe_failure(error);
        if (settings_.on_failure) settings_.on_failure(unit, report);
        channel_.send(0, to_text({.kind = MessageKind::failed,
                                  .unit = unit,
                                  .may_pass = report.may_pass,
                                  .exit_code = report.exit_code,
                                  .reason = report.reason}));
    }

    void await(const std::function<bool()>& is_there, std::int64_t unit) {
        const auto begin = std::chrono::steady_clock::now();
        while (!is_there()) {
            look(unit);
            if (is_there()) return;
            // Who has waited for long is at the end of a sweep and need not hurry.
            const bool is_early = std::chrono::steady_clock::now() - begin < std::chrono::seconds(1);
            std::this_thread::sleep_for(std::chrono::milliseconds(is_early ? 1 : 10));
        }
    }

    cluster::Channel& channel_;
    const MakeTask& make_task_;
    const WorkerSettings& settings_;
    Heart heart_;
    bool has_asked_ = false;
    std::shared_ptr<HeldUnit> next_, finishing_;
    SideThread side_;  ///< Last: its tasks use the others.
};

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

Departure work(cluster::Channel& channel, const MakeTask& make_task, const WorkerSettings& settings) {
    try {
        Work(channel, make_task, settings).run();
    } catch (const Departure departure) {
        return departure;
    }
}

}  // namespace workers
