#include "jobs/run_progress.h"

#include <gtest/gtest.h>

#include "jobs/journal.h"
#include "tests/jobs/planned_jobs.h"

namespace {

jobs::PointProgress point_of(const jobs::PlannedConfiguration& planned, std::int64_t units, std::int64_t done,
                             double cost, jobs::CostRate rate) {
    return {.planned = &planned,
            .units = units,
            .done = done,
            .cost_left = cost * static_cast<double>(units - done),
            .largest_cost_left = cost,
            .rate = rate,
            .seconds = rate.mean * cost * static_cast<double>(done)};
}

}  // namespace

TEST(TimeLeft, IsWhatIsLeftTimesWhatItTook) {
    const jobs::PlannedConfiguration planned;
    const jobs::RunProgress progress{
        .points = {point_of(planned, 100, 60, 5, {60, 2, 0})}, .workers = {}, .failures = {}};
    const jobs::TimeLeft alone = jobs::time_left(progress, 1, nullptr);
    ASSERT_TRUE(alone.is_known);
    EXPECT_DOUBLE_EQ(alone.expected, 400);
    EXPECT_DOUBLE_EQ(alone.low, 400);
    EXPECT_DOUBLE_EQ(alone.high, 400);
    // Four share it; the last unit of ten seconds may be alone at the end.
    const jobs::TimeLeft shared = jobs::time_left(progress, 4, nullptr);
    EXPECT_DOUBLE_EQ(shared.expected, 100);
    EXPECT_DOUBLE_EQ(shared.high, 100 + 10 * 0.75);
}

TEST(TimeLeft, RangeIsTwoStandardDeviations) {
    const jobs::PlannedConfiguration planned;
    const jobs::RunProgress progress{
        .points = {point_of(planned, 125, 25, 1, {25, 2, 0.5})}, .workers = {}, .failures = {}};
    const jobs::TimeLeft left = jobs::time_left(progress, 1, nullptr);
    // The mean is known to 0.5/5, of 100 units; the units to come add √100 · 0.5.
    const double deviation = std::sqrt(10.0 * 10 + 5.0 * 5);
    EXPECT_DOUBLE_EQ(left.expected, 200);
    EXPECT_DOUBLE_EQ(left.low, 200 - 2 * deviation);
    EXPECT_DOUBLE_EQ(left.high, 200 + 2 * deviation);
}

TEST(TimeLeft, WhatHasNotBegunGoesByPredictionOrByTheOthersWithAWiderRange) {
    const jobs::PlannedConfiguration known, unknown;
    jobs::RunProgress progress{.points = {point_of(known, 10, 10, 1, {10, 3, 0}), point_of(unknown, 10, 0, 1, {})},
                               .workers = {},
                               .failures = {}};
    const jobs::TimeLeft by_others = jobs::time_left(progress, 1, nullptr);
    EXPECT_DOUBLE_EQ(by_others.expected, 30);
    EXPECT_LT(by_others.low, 21);
    EXPECT_GT(by_others.high, 40);
    const jobs::TimeLeft by_prediction = jobs::time_left(progress, 1, [](const auto&) { return 7.0; });
    EXPECT_DOUBLE_EQ(by_prediction.expected, 70);
    progress.points.erase(progress.points.begin());
    EXPECT_FALSE(jobs::time_left(progress, 1, nullptr).is_known);
}

TEST(RunProgress, CountsWhatFilesAndJournalsSay) {
    const test_support::TemporaryFolder folder;
    const jobs::SweepPlan plan =
        test_jobs::plan_of("dataset = photos\nmodel = m\nbatch = 10\nmethod = sdedit, dps\noperator = box\n");
    const test_jobs::NamedImages photos(20);
    const jobs::Campaign campaign = jobs::Campaign::create_or_continue(folder / "run", plan, &photos);
    ASSERT_EQ(plan.unit_count(), 4);
    {
        jobs::Journal journal(folder / "run");
        const auto note = [&](const std::string& event, std::int64_t unit, double seconds = 0,
                              const std::string& reason = "") {
            journal.append({.event = event,
                            .unit = unit,
                            .rank = 1,
                            .time = 1,
                            .seconds = seconds,
                            .host = "n1",
                            .reason = reason});
        };
        note("run", -1);
        note("assigned", 0);
        note("committed", 0, 6);
        note("assigned", 1);
        note("failed", 1, 0, "shapes differ");
        note("quarantined", 1, 0, "shapes differ");
        note("assigned", 2);
    }
    const std::filesystem::path unit = folder / "run" / "units" / "000";
    std::filesystem::create_directories(unit);
    test_support::write_text(unit / "unit-000000.h5", "x");
    for (const bool is_running : {true, false}) {
        const jobs::RunProgress progress = jobs::run_progress(campaign, is_running);
        ASSERT_EQ(progress.points.size(), 2u);
        EXPECT_EQ(progress.points[0].done, 1);
        EXPECT_EQ(progress.points[0].images_done, 10);
        EXPECT_EQ(progress.points[0].failed, 1);
        EXPECT_DOUBLE_EQ(progress.points[0].seconds, 6);
        EXPECT_DOUBLE_EQ(progress.points[0].rate.mean, 6 / plan.cost(0));
        EXPECT_EQ(progress.points[0].cost_left, 0);
        EXPECT_EQ(progress.points[1].running, is_running ? 1 : 0);
        EXPECT_DOUBLE_EQ(progress.points[1].cost_left, plan.cost(2) + plan.cost(3));
        ASSERT_EQ(progress.failures.size(), 1u);
        EXPECT_EQ(progress.failures[0].reason, "shapes differ");
        ASSERT_EQ(progress.workers.size(), 1u);
        EXPECT_EQ(progress.workers[0].images, 10);
    }
}
