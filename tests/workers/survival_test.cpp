#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "tests/workers/simulated_world.h"
#include "workers/coordinator.h"

// Any schedule of deaths, stalls, delays, repeated and late answers, failures, drains and restarts: every unit is
// committed or given up, and no attempt is made that the journal does not know of.

namespace {

using test_support::SimulatedWorker;
using test_support::SimulatedWorld;

/// Thrown out of the coordinator's pause: it is killed.
struct CoordinatorKilled {};

/// What outlives a run: files and journal.
struct Disk {
    std::map<std::int64_t, int> files;  ///< Unit → times it was committed.
    std::vector<jobs::JournalEntry> journal;

    std::vector<workers::PendingUnit> remaining(int units) const {
        std::map<std::int64_t, int> open, deaths;
        for (const jobs::JournalEntry& entry : journal) {
            if (entry.event == "assigned") ++open[entry.unit];
            if (entry.event == "died") ++deaths[entry.unit];
            if (entry.event == "died" || entry.event == "committed" || entry.event == "failed" ||
                entry.event == "released") {
                --open[entry.unit];
            }
        }
        std::vector<workers::PendingUnit> pending;
        for (int number = 0; number < units; ++number) {
            if (files.contains(number)) continue;
            const int lost = std::max(0, open[number]);
            pending.push_back({number, cost(number), deaths[number] + lost});
        }
        return pending;
    }
    static double cost(std::int64_t unit) { return 3 + static_cast<double>(unit * 7 % 11); }
};

struct Plan {
    std::vector<SimulatedWorker> workers;
    double killed_at = 1e300, drained_at = 1e300;
};

workers::Outcome run_once(Disk& disk, const Plan& plan, int units) {
    SimulatedWorld world(plan.workers, Disk::cost, [&](std::int64_t unit) { ++disk.files[unit]; });
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    settings.units_in_plan = units;
    settings.replacements = 3;
    workers::CoordinatorLinks links = world.links();
    std::size_t durable = disk.journal.size();
    links.journal = [&](const jobs::JournalEntry& entry) { disk.journal.push_back(entry); };
    links.sync = [&] { durable = disk.journal.size(); };
    links.is_on_disk = [&](std::int64_t unit) { return disk.files.contains(unit); };
    links.request = [&] { return world.now() >= plan.drained_at ? workers::Request::drain : workers::Request::none; };
    links.pause = [&] {
        if (world.now() >= plan.killed_at) throw CoordinatorKilled{};
        if (world.now() > 1e5) throw std::runtime_error("the run does not end");
        world.pause();
    };
    workers::WorkQueue queue(disk.remaining(units));
    try {
        return workers::coordinate(queue, world, settings, links);
    } catch (const CoordinatorKilled&) {
        // What was not made durable may be gone.
        disk.journal.resize(durable);
        return {{.exit_code = workers::exit_incomplete}, false};
    }
}

SimulatedWorker any_worker(int units) {
    SimulatedWorker worker;
    const auto below = [](int limit) { return *rc::gen::inRange(0, limit); };
    worker.load_seconds = 1 + below(5);
    worker.speed = 0.5 + below(8) * 0.25;
    worker.latency_seconds = below(4) == 0 ? below(300) * 0.01 : 0;
    worker.is_local = below(2) == 0;
    worker.repeats_itself = below(3) == 0;
    if (below(3) == 0) worker.dies_at = below(60);
    if (below(4) == 0) {
        worker.stalls_at = below(40);
        worker.stalls_for = below(1000);
    }
    if (below(4) == 0) worker.fails_at = {below(units)};
    if (below(5) == 0) worker.dies_of = {below(units)};
    worker.works_ahead = below(2) == 0;
    if (worker.works_ahead) worker.finish_seconds = below(30) * 0.1;
    return worker;
}

Plan any_plan(int units) {
    Plan plan;
    const int size = *rc::gen::inRange(1, 7);
    for (int rank = 0; rank < size; ++rank) plan.workers.push_back(any_worker(units));
    if (*rc::gen::inRange(0, 4) == 0) plan.killed_at = *rc::gen::inRange(0, 80);
    if (*rc::gen::inRange(0, 6) == 0) plan.drained_at = *rc::gen::inRange(0, 80);
    return plan;
}

}  // namespace

RC_GTEST_PROP(Survival, EveryUnitIsCommittedOrGivenUp, ()) {
    const int units = *rc::gen::inRange(1, 40);
    Disk disk;
    workers::Outcome outcome;
    int runs = 0;
    do {
        // The last runs are undisturbed: what is left then has to be done, or has been given up.
        const Plan plan = runs < 4 ? any_plan(units) : Plan{{SimulatedWorker{}, SimulatedWorker{}}};
        outcome = run_once(disk, plan, units);
        ++runs;
        RC_ASSERT(runs < 10);
    } while (outcome.verdict.exit_code == workers::exit_incomplete);

    const bool is_quarantined = outcome.verdict.exit_code == workers::exit_quarantined;
    RC_ASSERT(is_quarantined == !outcome.verdict.quarantined.empty());
    RC_ASSERT(is_quarantined || outcome.verdict.exit_code == workers::exit_done);
    RC_ASSERT(disk.files.size() + outcome.verdict.quarantined.size() == static_cast<std::size_t>(units));
    for (const workers::QuarantinedUnit& unit : outcome.verdict.quarantined) {
        RC_ASSERT(!disk.files.contains(unit.number));
    }
}

RC_GTEST_PROP(Survival, AttemptIsDurableBeforeItBegins, ()) {
    const int units = *rc::gen::inRange(1, 20);
    const Plan plan = any_plan(units);
    std::set<std::int64_t> durable, appended;
    bool is_ahead = true;
    SimulatedWorld world(plan.workers, Disk::cost,
                         [&](std::int64_t unit) { is_ahead = is_ahead && durable.contains(unit); });
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    workers::CoordinatorLinks links = world.links();
    links.journal = [&](const jobs::JournalEntry& entry) {
        if (entry.event == "assigned") appended.insert(entry.unit);
    };
    links.sync = [&] { durable = appended; };
    Disk disk;
    workers::WorkQueue queue(disk.remaining(units));
    workers::coordinate(queue, world, settings, links);
    RC_ASSERT(is_ahead);
}

TEST(Survival, UnitThatKillsItsWorkersIsGivenUpAfterThreeDeaths) {
    Disk disk;
    SimulatedWorker doomed;
    doomed.dies_of = {2};
    const workers::Outcome outcome = run_once(disk, {{doomed, doomed, doomed, SimulatedWorker{}}}, 10);
    // The sound worker takes it after at most three.
    EXPECT_TRUE(outcome.verdict.exit_code == workers::exit_done || outcome.verdict.quarantined.size() == 1);

    Disk other;
    const workers::Outcome alone = run_once(other, {{doomed, doomed, doomed}}, 10);
    EXPECT_EQ(other.files.size() + alone.verdict.quarantined.size(), 10u);
}

TEST(Survival, UnitThatKillsWorkersThatWorkAheadIsFoundOutAndNoOtherIsBlamed) {
    Disk disk;
    SimulatedWorker doomed;
    doomed.works_ahead = true;
    doomed.finish_seconds = 1;
    doomed.dies_of = {5};
    const workers::Outcome outcome = run_once(disk, {{doomed, doomed, doomed, doomed, doomed, doomed}}, 60);
    for (const workers::QuarantinedUnit& unit : outcome.verdict.quarantined) EXPECT_EQ(unit.number, 5);
    EXPECT_EQ(disk.files.size() + outcome.verdict.quarantined.size(), 60u);
    int most_deaths = 0;
    std::map<std::int64_t, int> deaths;
    for (const jobs::JournalEntry& entry : disk.journal) {
        if (entry.event == "died" && entry.unit != 5) most_deaths = std::max(most_deaths, ++deaths[entry.unit]);
    }
    EXPECT_LE(most_deaths, 1);
}

TEST(Survival, WorkerThatWorksAheadIsNeverWithoutAUnitWhileEnoughAreLeft) {
    for (const bool works_ahead : {false, true}) {
        Disk disk;
        SimulatedWorker worker;
        worker.works_ahead = works_ahead;
        worker.latency_seconds = 0.5;
        SimulatedWorld world(
            {worker, worker}, [](std::int64_t) { return 4.0; }, [&](std::int64_t unit) { ++disk.files[unit]; });
        workers::CoordinatorSettings settings;
        settings.digest = "digest";
        const workers::CoordinatorLinks links = world.links();
        std::vector<workers::PendingUnit> pending;
        for (int number = 0; number < 40; ++number) pending.push_back({number, 4});
        workers::WorkQueue queue(pending);
        EXPECT_EQ(workers::coordinate(queue, world, settings, links).verdict.exit_code, workers::exit_done);
        // Twenty units a worker, four seconds each, and a second of asking where nothing is asked for ahead.
        if (works_ahead) {
            EXPECT_LT(world.now(), 20 * 4 + 8);
        } else {
            EXPECT_GT(world.now(), 20 * 5);
        }
    }
}

TEST(Survival, DrainTakesBackWhatHasNotBegun) {
    Disk disk;
    SimulatedWorker worker;
    worker.works_ahead = true;
    SimulatedWorld world(
        {worker, worker}, [](std::int64_t) { return 20.0; }, [&](std::int64_t unit) { ++disk.files[unit]; });
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    workers::CoordinatorLinks links = world.links();
    links.request = [&] { return world.now() >= 10 ? workers::Request::drain : workers::Request::none; };
    std::map<std::string, int> events;
    links.journal = [&](const jobs::JournalEntry& entry) { ++events[entry.event]; };
    std::vector<workers::PendingUnit> pending;
    for (int number = 0; number < 40; ++number) pending.push_back({number, 20});
    workers::WorkQueue queue(pending);
    EXPECT_EQ(workers::coordinate(queue, world, settings, links).verdict.exit_code, workers::exit_incomplete);
    EXPECT_EQ(events["assigned"], 4);
    EXPECT_EQ(events["released"], 2);
    EXPECT_EQ(events["committed"], 2);
    EXPECT_LT(world.now(), 25);
}

TEST(Survival, WholeRunsThatEndAtAUnitCountAgainstIt) {
    Disk disk;
    for (int run = 0; run < 3; ++run) {
        // Killed while the only unit is computed.
        const workers::Outcome outcome = run_once(disk, {{SimulatedWorker{}}, 2.5}, 1);
        EXPECT_EQ(outcome.verdict.exit_code, workers::exit_incomplete) << run;
    }
    const workers::Outcome outcome = run_once(disk, {{SimulatedWorker{}}}, 1);
    EXPECT_EQ(outcome.verdict.exit_code, workers::exit_quarantined);
    EXPECT_EQ(outcome.verdict.quarantined.at(0).reason, "worker or run ended 3 times while at it");
}

TEST(Survival, DrainedRunsDoNotCount) {
    Disk disk;
    for (int run = 0; run < 5; ++run) {
        SimulatedWorker slow;
        slow.speed = 0.01;
        // It is stopped by a second request: terminated while at work.
        SimulatedWorld world({slow}, Disk::cost, [&](std::int64_t unit) { ++disk.files[unit]; });
        workers::CoordinatorSettings settings;
        settings.digest = "digest";
        workers::CoordinatorLinks links = world.links();
        links.journal = [&](const jobs::JournalEntry& entry) { disk.journal.push_back(entry); };
        links.is_terminated = [&] { return world.now() > 20; };
        workers::WorkQueue queue(disk.remaining(1));
        EXPECT_EQ(workers::coordinate(queue, world, settings, links).verdict.exit_code, workers::exit_incomplete);
    }
    EXPECT_EQ(run_once(disk, {{SimulatedWorker{}}}, 1).verdict.exit_code, workers::exit_done);
}

TEST(Survival, SlowWorkerThatSpeaksAgainIsStoppedAndItsLateCommitCounts) {
    Disk disk;
    SimulatedWorker slow;
    slow.is_local = false;
    slow.stalls_at = 4;
    slow.stalls_for = 200;
    const workers::Outcome outcome = run_once(disk, {{slow, SimulatedWorker{}}}, 60);
    EXPECT_EQ(outcome.verdict.exit_code, workers::exit_done);
    EXPECT_FALSE(outcome.have_workers_left);
    EXPECT_EQ(disk.files.size(), 60u);
    int committed = 0;
    for (const jobs::JournalEntry& entry : disk.journal) committed += entry.event == "committed";
    EXPECT_EQ(committed, 60);
}

TEST(Survival, DeadWorkersOfThisHostAreReplacedThreeTimesAtMost) {
    Disk disk;
    SimulatedWorker dying;
    dying.dies_at = 5;
    const workers::Outcome outcome = run_once(disk, {{dying, dying, dying, dying}}, 30);
    EXPECT_EQ(outcome.verdict.exit_code, workers::exit_done);
    int started = 0;
    for (const jobs::JournalEntry& entry : disk.journal) started += entry.event == "worker started";
    EXPECT_EQ(started, 3);
}

TEST(Survival, DeathOfThisHostIsSeenWithinTwoSecondsElsewhereAfterTheTimeout) {
    for (const bool is_local : {true, false}) {
        Disk disk;
        SimulatedWorker dying;
        dying.dies_at = 10;
        dying.is_local = is_local;
        dying.speed = 0.05;
        SimulatedWorld world({dying, SimulatedWorker{}}, Disk::cost, [&](std::int64_t unit) { ++disk.files[unit]; });
        workers::CoordinatorSettings settings;
        settings.digest = "digest";
        workers::CoordinatorLinks links = world.links();
        double seen = 0;
        links.journal = [&](const jobs::JournalEntry& entry) {
            if (entry.event == "died") seen = world.now();
        };
        workers::WorkQueue queue(disk.remaining(40));
        EXPECT_EQ(workers::coordinate(queue, world, settings, links).verdict.exit_code, workers::exit_done);
        EXPECT_GE(seen, is_local ? 10 : 10 + 28);
        EXPECT_LT(seen, is_local ? 12 : 10 + 31);
    }
}

TEST(Survival, DeadlineBeginsNothingThatDoesNotFitAndStopsTheRest) {
    Disk disk;
    std::vector<SimulatedWorker> crew(3);
    SimulatedWorld world(
        crew, [](std::int64_t) { return 20.0; }, [&](std::int64_t unit) { ++disk.files[unit]; });
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    settings.deadline = 70;
    workers::CoordinatorLinks links = world.links();
    std::map<std::string, int> events;
    links.journal = [&](const jobs::JournalEntry& entry) { ++events[entry.event]; };
    std::vector<workers::PendingUnit> pending;
    for (int number = 0; number < 40; ++number) pending.push_back({number, 20});
    workers::WorkQueue queue(pending);
    const workers::Outcome outcome = workers::coordinate(queue, world, settings, links);
    EXPECT_EQ(outcome.verdict.exit_code, workers::exit_incomplete);
    // From second 1: two rounds end at 21 and 41; a third would, with caution, end at 65.
    EXPECT_EQ(events["assigned"], 9);
    EXPECT_EQ(events["committed"], 9);
    EXPECT_EQ(events["released"], 0);
    EXPECT_LT(world.now(), 65);
}

TEST(Survival, DeadlineStopsUnitsThatTakeLongerThanExpected) {
    Disk disk;
    SimulatedWorld world(
        {SimulatedWorker{}}, [](std::int64_t) { return 500.0; }, [&](std::int64_t unit) { ++disk.files[unit]; });
    workers::CoordinatorSettings settings;
    settings.digest = "digest";
    settings.deadline = 60;
    workers::CoordinatorLinks links = world.links();
    std::map<std::string, int> events;
    links.journal = [&](const jobs::JournalEntry& entry) { ++events[entry.event]; };
    workers::WorkQueue queue({{0, 1.0}});
    const workers::Outcome outcome = workers::coordinate(queue, world, settings, links);
    EXPECT_EQ(outcome.verdict.exit_code, workers::exit_incomplete);
    EXPECT_EQ(events["released"], 1);
    EXPECT_LT(world.now(), 60);
    EXPECT_TRUE(outcome.have_workers_left);
}
