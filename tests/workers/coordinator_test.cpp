#include "workers/coordinator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "pipeline/data/file_error.h"
#include "tests/workers/whole_unit.h"
#include "workers/message.h"
#include "workers/worker.h"

namespace {

using workers::exit_done;
using workers::exit_incomplete;
using workers::exit_internal;
using workers::exit_quarantined;
using workers::Message;
using workers::MessageKind;
using workers::Outcome;

/// Units that were computed, by rank, in order.
struct Diary {
    std::mutex mutex;
    std::vector<std::pair<int, std::int64_t>> entries;
    void note(int rank, std::int64_t unit) {
        const std::lock_guard lock(mutex);
        entries.emplace_back(rank, unit);
    }
    std::multiset<std::int64_t> units() {
        const std::lock_guard lock(mutex);
        std::multiset<std::int64_t> all;
        for (const auto& entry : entries) all.insert(entry.second);
        return all;
    }
};

std::vector<workers::PendingUnit> units(int count) {
    std::vector<workers::PendingUnit> list;
    for (int number = 0; number < count; ++number) list.push_back({number, static_cast<double>(count - number)});
    return list;
}

Message greeting(const std::string& digest = "digest") {
    return {.kind = MessageKind::hello, .host = "here", .device = "cpu", .digest = digest};
}

/// What a worker says before it asks for units.
void greet(cluster::Channel& channel) {
    channel.send(0, workers::to_text(greeting()));
    channel.send(0, workers::to_text({.kind = MessageKind::loaded}));
}

/// Workers as threads, each running `work` with its own compute function.
class Crew {
  public:
    Crew(int size, const std::function<pipeline::UnitCost(int rank, std::int64_t unit)>& compute,
         bool works_ahead = false)
        : channels_(cluster::in_process_channels(size + 1)) {
        for (int rank = 1; rank <= size; ++rank) {
            threads_.emplace_back([this, rank, compute, works_ahead] {
                cluster::Channel& channel = *channels_[static_cast<std::size_t>(rank)];
                greet(channel);
                workers::WorkerSettings own;
                own.beat_seconds = 0.01;
                own.works_ahead = works_ahead;
                own.is_terminated = [this] { return is_over_.load(); };
                const test_support::ComputeUnit whole = [&](std::int64_t unit, const std::function<void()>& heartbeat) {
                    heartbeat();
                    return compute(rank, unit);
                };
                workers::work(channel, test_support::whole_units(whole), own);
            });
        }
    }
    ~Crew() {
        is_over_ = true;
        for (std::thread& thread : threads_) thread.join();
    }
    cluster::Channel& coordinator() { return *channels_[0]; }

  private:
    std::atomic<bool> is_over_ = false;
    std::vector<std::unique_ptr<cluster::Channel>> channels_;
    std::vector<std::thread> threads_;
};

workers::CoordinatorSettings settings(int units) {
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    settings.units_in_plan = units;
    settings.status_seconds = 0.01;
    return settings;
}

}  // namespace

TEST(Coordinator, EveryUnitIsComputedOnce) {
    for (const auto& [size, works_ahead] : {std::pair(1, false), {2, false}, {4, false}, {1, true}, {3, true}}) {
        Diary diary;
        workers::WorkQueue queue(units(50));
        const auto noted = [&](int rank, std::int64_t unit) {
            diary.note(rank, unit);
            return pipeline::UnitCost{};
        };
        Crew crew(size, noted, works_ahead);
        const Outcome outcome = workers::coordinate(queue, crew.coordinator(), settings(50), {});
        EXPECT_EQ(outcome.verdict.exit_code, exit_done);
        EXPECT_TRUE(outcome.have_workers_left);
        const std::multiset<std::int64_t> computed = diary.units();
        EXPECT_EQ(computed.size(), 50u);
        for (int number = 0; number < 50; ++number) EXPECT_EQ(computed.count(number), 1u) << number;
    }
}

TEST(Coordinator, NothingToDoEndsAtOnce) {
    workers::WorkQueue queue({});
    Crew crew(2, [](int, std::int64_t) -> pipeline::UnitCost { throw std::logic_error("no unit was expected"); });
    EXPECT_EQ(workers::coordinate(queue, crew.coordinator(), settings(0), {}).verdict.exit_code, exit_done);
}

TEST(Coordinator, UnitThatThrowsIsReportedAndTheOthersFinish) {
    workers::WorkQueue queue(units(10));
    Crew crew(3, [](int, std::int64_t unit) -> pipeline::UnitCost {
        if (unit == 4) throw std::invalid_argument("shapes differ\nand a second line");
        return {};
    });
    const Outcome outcome = workers::coordinate(queue, crew.coordinator(), settings(10), {});
    EXPECT_EQ(outcome.verdict.exit_code, exit_quarantined);
    EXPECT_EQ(queue.committed(), 9);
    ASSERT_EQ(outcome.verdict.quarantined.size(), 1u);
    EXPECT_EQ(outcome.verdict.quarantined[0].number, 4);
    EXPECT_EQ(outcome.verdict.quarantined[0].reason, "shapes differ");
}

TEST(Coordinator, FailureThatMayPassIsTriedOnceOnAnotherWorker) {
    Diary diary;
    workers::WorkQueue queue(units(6));
    Crew crew(2, [&](int rank, std::int64_t unit) -> pipeline::UnitCost {
        diary.note(rank, unit);
        // The first to take unit 2 fails; the other one succeeds.
        static std::atomic<int> first = 0;
        int nobody = 0;
        if (unit == 2 && first.compare_exchange_strong(nobody, rank)) throw pipeline::FileError("/disk", "full");
        return {};
    });
    const Outcome outcome = workers::coordinate(queue, crew.coordinator(), settings(6), {});
    EXPECT_EQ(outcome.verdict.exit_code, exit_done);
    std::set<int> ranks;
    for (const auto& [rank, unit] : diary.entries) {
        if (unit == 2) ranks.insert(rank);
    }
    EXPECT_EQ(ranks, (std::set<int>{1, 2}));
}

TEST(Coordinator, LoneWorkerTriesAgainItselfThenGivesUp) {
    std::atomic<int> attempts = 0;
    workers::WorkQueue queue(units(1));
    Crew crew(1, [&](int, std::int64_t) -> pipeline::UnitCost {
        ++attempts;
        throw std::bad_alloc();
    });
    EXPECT_EQ(workers::coordinate(queue, crew.coordinator(), settings(1), {}).verdict.exit_code, exit_quarantined);
    EXPECT_EQ(attempts, 2);
}

TEST(Coordinator, AnswersThatComeLateOrTwiceDoNoHarm) {
    auto channels = cluster::in_process_channels(2);
    cluster::Channel& worker = *channels[1];
    workers::WorkQueue queue(units(3));
    std::thread odd([&] {
        const auto answer = [&] {
            while (true) {
                if (const auto envelope = worker.poll()) {
                    const Message message = workers::parse_message(envelope->text);
                    if (message.kind != MessageKind::alive) return message;
                }
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        };
        greet(worker);
        while (true) {
            worker.send(0, workers::to_text({.kind = MessageKind::ready}));
            const Message message = answer();
            if (message.kind == MessageKind::stop) return;
            // Late, twice, a failure of what is done, and news of a unit that does not exist.
            std::this_thread::sleep_for(std::chrono::milliseconds(30));
            for (int time = 0; time < 2; ++time) {
                worker.send(0, workers::to_text({.kind = MessageKind::done, .unit = message.unit}));
            }
            worker.send(0, workers::to_text({.kind = MessageKind::failed, .unit = message.unit, .reason = "again"}));
            worker.send(0, workers::to_text({.kind = MessageKind::done, .unit = 1000}));
        }
    });
    int committed = 0;
    workers::CoordinatorLinks links;
    links.journal = [&](const jobs::JournalEntry& entry) { committed += entry.event == "committed"; };
    const Outcome outcome = workers::coordinate(queue, *channels[0], settings(3), links);
    odd.join();
    EXPECT_EQ(outcome.verdict.exit_code, exit_done);
    EXPECT_EQ(committed, 3);
}

TEST(Coordinator, JournalHasEveryAttemptBeforeItsEnd) {
    workers::WorkQueue queue(units(5));
    std::vector<std::string> events;
    workers::CoordinatorLinks links;
    links.journal = [&](const jobs::JournalEntry& entry) {
        events.push_back(entry.event + std::to_string(entry.unit));
    };
    Crew crew(1, [](int, std::int64_t unit) -> pipeline::UnitCost {
        if (unit == 1) throw std::invalid_argument("no");
        return {};
    });
    workers::coordinate(queue, crew.coordinator(), settings(5), links);
    EXPECT_EQ(events, (std::vector<std::string>{"worker-1", "assigned0", "committed0", "assigned1", "failed1",
                                                "quarantined1", "assigned2", "committed2", "assigned3", "committed3",
                                                "assigned4", "committed4"}));
}

TEST(Coordinator, DrainFinishesWhatRunsAndDealsNothingMore) {
    std::atomic<bool> is_draining = false;
    workers::WorkQueue queue(units(10));
    workers::CoordinatorLinks links;
    links.request = [&] { return is_draining ? workers::Request::drain : workers::Request::none; };
    Crew crew(1, [&](int, std::int64_t unit) {
        if (unit == 2) {
            is_draining = true;
            std::this_thread::sleep_for(std::chrono::milliseconds(400));
        }
        return pipeline::UnitCost{};
    });
    const Outcome outcome = workers::coordinate(queue, crew.coordinator(), settings(10), links);
    EXPECT_EQ(outcome.verdict.exit_code, exit_incomplete);
    EXPECT_TRUE(outcome.have_workers_left);
    EXPECT_EQ(queue.committed(), 3);
}

TEST(Coordinator, TerminationLeavesAtOnce) {
    std::atomic<bool> is_running = false;
    workers::WorkQueue queue(units(2));
    workers::CoordinatorLinks links;
    links.is_terminated = [&] { return is_running.load(); };
    std::atomic<bool> may_end = false;
    Crew crew(1, [&](int, std::int64_t) {
        is_running = true;
        while (!may_end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return pipeline::UnitCost{};
    });
    const Outcome outcome = workers::coordinate(queue, crew.coordinator(), settings(2), links);
    EXPECT_EQ(outcome.verdict.exit_code, exit_incomplete);
    EXPECT_FALSE(outcome.have_workers_left);
    may_end = true;
}

TEST(Coordinator, WorkerThatFallsSilentIsDead) {
    auto channels = cluster::in_process_channels(2);
    greet(*channels[1]);
    channels[1]->send(0, workers::to_text({.kind = MessageKind::ready}));
    workers::WorkQueue queue(units(1));
    workers::CoordinatorSettings impatient = settings(1);
    impatient.silence_seconds = 0.1;
    impatient.load_seconds = 0.2;
    const Outcome outcome = workers::coordinate(queue, *channels[0], impatient, {});
    EXPECT_EQ(outcome.verdict.exit_code, exit_incomplete);
    EXPECT_FALSE(outcome.have_workers_left);
    EXPECT_NE(outcome.verdict.reason.find("worker 1 on here"), std::string::npos) << outcome.verdict.reason;
}

TEST(Coordinator, HeartbeatsKeepASlowWorker) {
    workers::WorkQueue queue(units(1));
    workers::CoordinatorSettings impatient = settings(1);
    impatient.silence_seconds = impatient.load_seconds = 0.3;
    auto channels = cluster::in_process_channels(2);
    std::thread slow([&] {
        greet(*channels[1]);
        workers::WorkerSettings own;
        own.beat_seconds = 0.02;
        const test_support::ComputeUnit sixty_steps = [](std::int64_t, const std::function<void()>& heartbeat) {
            for (int step = 0; step < 60; ++step) {
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
                heartbeat();
            }
            return pipeline::UnitCost{};
        };
        workers::work(*channels[1], test_support::whole_units(sixty_steps), own);
    });
    EXPECT_EQ(workers::coordinate(queue, *channels[0], impatient, {}).verdict.exit_code, exit_done);
    slow.join();
}

TEST(Coordinator, WorkerLeavesInTheMiddleOfAUnitWhenItIsToldToStop) {
    auto channels = cluster::in_process_channels(2);
    cluster::Channel& rank_0 = *channels[0];
    std::atomic<bool> has_left = false;
    std::thread stopped([&] {
        workers::WorkerSettings own;
        own.beat_seconds = 0.01;
        const test_support::ComputeUnit endless = [](std::int64_t,
                                                     const std::function<void()>& heartbeat) -> pipeline::UnitCost {
            while (true) heartbeat();
        };
        const workers::Departure departure = workers::work(*channels[1], test_support::whole_units(endless), own);
        EXPECT_EQ(departure, workers::Departure::stopped);
        has_left = true;
    });
    rank_0.send(1, workers::to_text({.kind = MessageKind::unit, .unit = 0}));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(has_left);
    rank_0.send(1, workers::to_text({.kind = MessageKind::stop}));
    stopped.join();
    while (const auto envelope = rank_0.poll()) {
        const MessageKind kind = workers::parse_message(envelope->text).kind;
        EXPECT_TRUE(kind == MessageKind::ready || kind == MessageKind::beat);
    }
}

TEST(Coordinator, WorkerOfASilentOrEndedCoordinatorLeaves) {
    for (const bool is_ended : {false, true}) {
        auto channels = cluster::in_process_channels(2);
        workers::WorkerSettings own;
        own.beat_seconds = 0.02;
        own.silence_seconds = is_ended ? 1e6 : 0.2;
        own.is_coordinator_gone = [&] { return is_ended; };
        EXPECT_EQ(workers::work(*channels[1], {}, own), workers::Departure::coordinator_gone);
    }
}

TEST(Coordinator, FailureThatIsTheMachinesEndsTheRunAndBlamesNoUnit) {
    auto channels = cluster::in_process_channels(2);
    workers::WorkQueue queue(units(2));
    std::vector<std::string> events;
    workers::CoordinatorLinks links;
    links.journal = [&](const jobs::JournalEntry& entry) { events.push_back(entry.event); };
    std::thread worker([&] {
        greet(*channels[1]);
        workers::WorkerSettings own;
        own.silence_seconds = 0.5;
        own.beat_seconds = 0.1;
        own.on_failure = [](std::int64_t, workers::FailureReport& report) { report.exit_code = 4; };
        const test_support::ComputeUnit failing = [](std::int64_t, const std::function<void()>&) -> pipeline::UnitCost {
            throw pipeline::FileError("/disk", "full");
        };
        workers::work(*channels[1], test_support::whole_units(failing), own);
    });
    const Outcome outcome = workers::coordinate(queue, *channels[0], settings(2), links);
    worker.join();
    EXPECT_EQ(outcome.verdict.exit_code, 4);
    EXPECT_NE(outcome.verdict.reason.find("full"), std::string::npos);
    EXPECT_EQ(events, (std::vector<std::string>{"worker", "assigned", "released"}));
    EXPECT_EQ(queue.waiting(), 2);
}

TEST(Coordinator, WorkerWithAnotherPlanEndsTheRun) {
    auto channels = cluster::in_process_channels(2);
    channels[1]->send(0, workers::to_text(greeting("another")));
    workers::WorkQueue queue(units(1));
    const Outcome outcome = workers::coordinate(queue, *channels[0], settings(1), {});
    EXPECT_EQ(outcome.verdict.exit_code, exit_internal);
    EXPECT_NE(outcome.verdict.reason.find("another"), std::string::npos);
}

TEST(Coordinator, WorkerThatCannotStartGivesItsReason) {
    auto channels = cluster::in_process_channels(2);
    channels[1]->send(0, workers::to_text({.kind = MessageKind::refused, .exit_code = 4, .reason = "no weights"}));
    workers::WorkQueue queue(units(1));
    const Outcome outcome = workers::coordinate(queue, *channels[0], settings(1), {});
    EXPECT_EQ(outcome.verdict.exit_code, 4);
    EXPECT_EQ(outcome.verdict.reason, "no weights");
}

TEST(Coordinator, StatusCountsUpAndEndsFinished) {
    workers::WorkQueue queue(units(20));
    std::vector<workers::Status> told;
    workers::CoordinatorLinks links;
    links.status = [&](const workers::Status& status) { told.push_back(status); };
    workers::CoordinatorSettings continued = settings(25);
    continued.already_committed = 5;
    Crew crew(2, [](int, std::int64_t) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return pipeline::UnitCost{};
    });
    workers::coordinate(queue, crew.coordinator(), continued, links);
    ASSERT_GE(told.size(), 2u);
    EXPECT_EQ(told.front().committed, 5);
    EXPECT_EQ(told.back().committed, 25);
    EXPECT_EQ(told.back().state, "finished");
    EXPECT_EQ(told.back().workers.size(), 2u);
}
