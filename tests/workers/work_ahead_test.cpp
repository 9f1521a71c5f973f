#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "cluster/channel.h"
#include "workers/coordinator.h"
#include "workers/message.h"
#include "workers/side_thread.h"
#include "workers/worker.h"

// A worker with a second thread: what it does beside what, and what becomes of parts that throw.

namespace {

using namespace std::chrono_literals;

/// What the parts of units do; each is told the unit's number.
struct Parts {
    std::function<void(std::int64_t)> prepare, sample, finish;
};

class PartedUnit final : public workers::UnitTask {
  public:
    PartedUnit(const Parts& parts, std::int64_t unit) : parts_(parts), unit_(unit) {}
    void prepare() override {
        if (parts_.prepare) parts_.prepare(unit_);
    }
    void sample(const std::function<void()>& heartbeat) override {
        heartbeat();
        if (parts_.sample) parts_.sample(unit_);
        // Another step, after which what has happened beside is heard.
        std::this_thread::sleep_for(2ms);
        heartbeat();
    }
    pipeline::UnitCost finish() override {
        if (parts_.finish) parts_.finish(unit_);
        return {.seconds = 1};
    }

  private:
    const Parts& parts_;
    std::int64_t unit_;
};

/// One worker that works ahead, held to the real coordinator.
workers::Outcome run_ahead(const Parts& parts, int units, workers::WorkQueue& queue) {
    auto channels = cluster::in_process_channels(2);
    std::thread worker([&] {
        cluster::Channel& channel = *channels[1];
        channel.send(0, workers::to_text({.kind = workers::MessageKind::hello, .digest = "digest"}));
        channel.send(0, workers::to_text({.kind = workers::MessageKind::loaded}));
        workers::WorkerSettings settings;
        settings.beat_seconds = 0.001;
        settings.works_ahead = true;
        workers::work(
            channel, [&](std::int64_t unit) { return std::make_unique<PartedUnit>(parts, unit); }, settings);
    });
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    settings.units_in_plan = units;
    const workers::Outcome outcome = workers::coordinate(queue, *channels[0], settings, {});
    worker.join();
    return outcome;
}

std::vector<workers::PendingUnit> equal_units(int count) {
    std::vector<workers::PendingUnit> list;
    for (int number = 0; number < count; ++number) list.push_back({number, 1});
    return list;
}

bool wait_until(const std::function<bool()>& is_there) {
    for (int tenth = 0; tenth < 1000 && !is_there(); ++tenth) std::this_thread::sleep_for(10ms);
    return is_there();
}

TEST(WorkAhead, NextUnitIsPreparedAndTheLastOneFinishedWhileOneIsSampled) {
    std::atomic<std::int64_t> last_prepared = -1, last_finished = -1;
    std::atomic<bool> has_overlapped = true, is_beside = true;
    std::thread::id sampling;
    Parts parts;
    parts.prepare = [&](std::int64_t unit) { last_prepared = unit; };
    parts.sample = [&](std::int64_t unit) {
        sampling = std::this_thread::get_id();
        // In the middle of the sweep unit 3 is not left before 4 has been prepared and 2 finished.
        if (unit != 3) return;
        has_overlapped = wait_until([&] { return last_finished == 2; });
    };
    parts.finish = [&](std::int64_t unit) {
        is_beside = is_beside && std::this_thread::get_id() != sampling;
        // Only an answer to what was asked ahead has prepared the next one by now.
        if (unit == 2) has_overlapped = has_overlapped && wait_until([&] { return last_prepared >= 3; });
        last_finished = unit;
    };
    workers::WorkQueue queue(equal_units(8));
    EXPECT_EQ(run_ahead(parts, 8, queue).verdict.exit_code, workers::exit_done);
    EXPECT_TRUE(has_overlapped);
    EXPECT_TRUE(is_beside);
    EXPECT_EQ(queue.committed(), 8);
}

TEST(WorkAhead, PartThatThrowsFailsItsOwnUnitAlone) {
    for (const int part : {0, 1, 2}) {
        const auto fails_at_three = [](std::int64_t unit) {
            if (unit == 3) throw std::invalid_argument("shapes differ");
        };
        Parts parts;
        (part == 0 ? parts.prepare : part == 1 ? parts.sample : parts.finish) = fails_at_three;
        workers::WorkQueue queue(equal_units(8));
        const workers::Outcome outcome = run_ahead(parts, 8, queue);
        EXPECT_EQ(outcome.verdict.exit_code, workers::exit_quarantined) << part;
        ASSERT_EQ(outcome.verdict.quarantined.size(), 1u) << part;
        EXPECT_EQ(outcome.verdict.quarantined[0].number, 3);
        EXPECT_EQ(outcome.verdict.quarantined[0].reason, "shapes differ");
        EXPECT_EQ(queue.committed(), 7) << part;
    }
}

TEST(SideThread, TasksComeInOrderAndThrowThroughTheirFutures) {
    for (const bool has_thread : {false, true}) {
        std::atomic<bool> has_started = false;
        workers::SideThread side(has_thread, [&] { has_started = true; });
        std::vector<int> order;
        std::vector<std::future<void>> futures;
        for (int number = 0; number < 5; ++number) {
            futures.push_back(side.run([&order, number] {
                order.push_back(number);
                if (number == 2) throw std::runtime_error("two");
            }));
        }
        for (int number = 0; number < 5; ++number) {
            if (number == 2) {
                EXPECT_THROW(futures[2].get(), std::runtime_error);
            } else {
                futures[static_cast<std::size_t>(number)].get();
            }
        }
        EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
        EXPECT_EQ(has_started, has_thread);
    }
}

TEST(SideThread, WhatHasNotBegunIsDroppedAtTheEnd) {
    std::atomic<int> done = 0;
    {
        workers::SideThread side(true, nullptr);
        std::atomic<bool> runs = false;
        static_cast<void>(side.run([&] {
            runs = true;
            std::this_thread::sleep_for(50ms);
            ++done;
        }));
        for (int number = 0; number < 100; ++number) static_cast<void>(side.run([&] { ++done; }));
        while (!runs) std::this_thread::yield();
    }
    EXPECT_EQ(done, 1);
}

}  // namespace
