#include "workers/work_queue.h"

#include <gtest/gtest.h>

#include <stdexcept>

using workers::WorkQueue;

TEST(WorkQueue, LongestFirstTiesByNumber) {
    WorkQueue queue({{0, 1.0}, {1, 5.0}, {2, 3.0}, {3, 5.0}, {4, 0.0}});
    std::vector<std::int64_t> order;
    while (const auto unit = queue.assign(1, true)) order.push_back(*unit);
    EXPECT_EQ(order, (std::vector<std::int64_t>{1, 3, 2, 0, 4}));
    EXPECT_EQ(queue.running(), 5);
    EXPECT_FALSE(queue.is_finished());
}

TEST(WorkQueue, FinishedWhenAllAreCommitted) {
    WorkQueue queue({{0, 1.0}, {1, 3.0}});
    EXPECT_DOUBLE_EQ(queue.cost_total(), 4);
    const auto first = queue.assign(1, false);
    const auto second = queue.assign(2, false);
    EXPECT_TRUE(queue.commit(*first));
    EXPECT_FALSE(queue.is_finished());
    EXPECT_DOUBLE_EQ(queue.cost_committed(), 3);
    EXPECT_TRUE(queue.commit(*second));
    EXPECT_TRUE(queue.is_finished());
    EXPECT_EQ(queue.committed(), 2);
}

TEST(WorkQueue, NothingToDoIsFinished) {
    EXPECT_TRUE(WorkQueue({}).is_finished());
}

TEST(WorkQueue, FailureThatMayPassGoesElsewhereOnce) {
    WorkQueue queue({{7, 1.0}});
    queue.assign(1, false);
    EXPECT_FALSE(queue.fail(7, 1, "no room", true));
    EXPECT_EQ(queue.assign(1, false), std::nullopt);
    EXPECT_EQ(queue.assign(2, false), 7);
    EXPECT_TRUE(queue.fail(7, 2, "no room here either", true));
    EXPECT_TRUE(queue.is_finished());
    ASSERT_EQ(queue.quarantined().size(), 1u);
    EXPECT_EQ(queue.quarantined()[0].number, 7);
    EXPECT_EQ(queue.quarantined()[0].reason, "no room here either");
}

TEST(WorkQueue, OnlyRankTriesAgainItself) {
    WorkQueue queue({{7, 1.0}});
    queue.assign(1, true);
    queue.fail(7, 1, "no room", true);
    EXPECT_EQ(queue.assign(1, true), 7);
}

TEST(WorkQueue, UnitThatWaitsForAnotherRankHoldsUpNobody) {
    WorkQueue queue({{0, 9.0}, {1, 1.0}});
    queue.assign(1, false);
    queue.fail(0, 1, "no room", true);
    EXPECT_EQ(queue.assign(1, false), 1);
}

TEST(WorkQueue, FailureThatWouldRepeatIsGivenUpAtOnce) {
    WorkQueue queue({{7, 1.0}});
    queue.assign(1, false);
    EXPECT_TRUE(queue.fail(7, 1, "wrong shape", false));
    EXPECT_TRUE(queue.is_finished());
}

TEST(WorkQueue, RepeatedAndForeignNewsAreHarmless) {
    WorkQueue queue({{0, 2.0}, {1, 1.0}});
    queue.assign(1, false);
    EXPECT_TRUE(queue.commit(0));
    EXPECT_FALSE(queue.commit(0));
    EXPECT_FALSE(queue.commit(99));
    EXPECT_FALSE(queue.fail(0, 1, "too late", false));
    EXPECT_FALSE(queue.fail(1, 1, "not mine", false));
    EXPECT_TRUE(queue.quarantined().empty());
    EXPECT_DOUBLE_EQ(queue.cost_committed(), 2);
    EXPECT_EQ(queue.assign(1, false), 1);
}

TEST(WorkQueue, LateCommitTakesAUnitOutOfQuarantine) {
    WorkQueue queue({{0, 2.0}});
    queue.assign(1, false);
    queue.fail(0, 1, "?", false);
    EXPECT_TRUE(queue.commit(0));
    EXPECT_TRUE(queue.quarantined().empty());
    EXPECT_TRUE(queue.is_finished());
}

TEST(WorkQueue, LateCommitTakesAUnitFromTheWaiting) {
    WorkQueue queue({{0, 2.0}});
    queue.assign(1, false);
    queue.fail(0, 1, "?", true);
    EXPECT_TRUE(queue.commit(0));
    EXPECT_EQ(queue.assign(2, false), std::nullopt);
    EXPECT_TRUE(queue.is_finished());
}

TEST(WorkQueue, UnitIsGivenUpAfterThreeDeaths) {
    WorkQueue queue({{7, 1.0}});
    for (int death = 1; death <= 3; ++death) {
        EXPECT_EQ(queue.assign(death, false), 7);
        EXPECT_EQ(queue.lose(7, death, "worker ended"), death == 3);
    }
    EXPECT_TRUE(queue.is_finished());
    ASSERT_EQ(queue.quarantined().size(), 1u);
    EXPECT_EQ(queue.quarantined()[0].reason, "worker ended, the last of 3 deaths at this unit");
}

TEST(WorkQueue, DeathsOfEarlierRunsCount) {
    WorkQueue queue({{7, 1.0, 2}, {8, 1.0, 3}});
    ASSERT_EQ(queue.quarantined().size(), 1u);
    EXPECT_EQ(queue.quarantined()[0].number, 8);
    EXPECT_EQ(queue.waiting(), 1);
    queue.assign(1, true);
    EXPECT_TRUE(queue.lose(7, 1, "worker ended"));
    EXPECT_TRUE(queue.is_finished());
}

TEST(WorkQueue, ReleasedUnitWaitsAgainAndNothingIsCounted) {
    WorkQueue queue({{0, 5.0}, {1, 9.0}, {2, 1.0}});
    for (int time = 0; time < 10; ++time) {
        EXPECT_EQ(queue.assign(1, false), 1);
        queue.release(1, 2);
        EXPECT_EQ(queue.running(), 1) << "not this rank's";
        queue.release(1, 1);
        EXPECT_EQ(queue.waiting(), 3);
    }
    EXPECT_EQ(queue.assign(1, false), 1);
    EXPECT_EQ(queue.assign(1, false), 0);
    queue.release(1, 1);
    EXPECT_EQ(queue.assign(1, false), 1) << "longest first, also of those that come again";
    EXPECT_EQ(queue.assign(1, false), 2);
}

TEST(WorkQueue, UnitsThatDoNotFitAreLeftWaiting) {
    WorkQueue queue({{0, 5.0}, {1, 9.0}, {2, 1.0}});
    const auto fits = [&](std::int64_t unit) { return queue.cost(unit) < 6; };
    EXPECT_EQ(queue.assign(1, true, fits), 0);
    EXPECT_EQ(queue.assign(1, true, fits), 2);
    EXPECT_EQ(queue.assign(1, true, fits), std::nullopt);
    EXPECT_EQ(queue.waiting(), 1);
    EXPECT_EQ(queue.assign(1, true), 1);
}

TEST(WorkQueue, UnitOfAnEarlierQuarantineIsNotDealt) {
    WorkQueue queue({{0, 5.0}, {1, 9.0}});
    queue.quarantine(1, "wrong shape");
    queue.quarantine(9, "of another part");
    EXPECT_EQ(queue.assign(1, true), 0);
    EXPECT_EQ(queue.assign(1, true), std::nullopt);
    EXPECT_EQ(queue.quarantined().size(), 1u);
}

TEST(WorkQueue, SameUnitTwiceIsRefused) {
    EXPECT_THROW(WorkQueue({{0, 1.0}, {0, 1.0}}), std::invalid_argument);
}
