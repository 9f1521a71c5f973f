#include "jobs/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "jobs/job_error.h"
#include "tests/jobs/planned_jobs.h"

namespace {

using jobs::Shard;
using jobs::shard_units;

const jobs::SweepPlan& uneven_plan() {
    static const jobs::SweepPlan plan = test_jobs::plan_of(
        test_jobs::basis +
        "method = sdedit, dps, ddpm\noperator = box, random\nsigma-y = 0.05, 0.1\nbatch = 3\n[sdedit]\nt-start = 20, "
        "500, 900\n[ddpm]\nsamples = 10\n");
    return plan;
}

double longest_cost() {
    double longest = 0;
    for (std::int64_t unit = 0; unit < uneven_plan().unit_count(); ++unit) {
        longest = std::max(longest, uneven_plan().cost(unit));
    }
    return longest;
}

}  // namespace

TEST(Shard, IsWrittenAsIndexAndCount) {
    EXPECT_EQ(Shard::parse("3/8"), (Shard{3, 8}));
    EXPECT_EQ(Shard::parse("1/1"), (Shard{1, 1}));
    EXPECT_EQ(Shard::parse("100000/100000").count, 100000);
    EXPECT_EQ(Shard::parse("3/8").text(), "3/8");
    EXPECT_EQ(Shard::parse("3/8").journal_name(), "journal-shard-3-of-8.jsonl");
}

TEST(Shard, RefusesWhatIsNone) {
    for (const char* text : {"", "/", "3", "3/", "/8", "0/8", "9/8", "1/0", "-1/8", "1/-8", "a/b", "1/8x", "x1/8",
                             "1 / 8", "1/8/2", "1.5/8", "1/100001", "99999999999/99999999999"}) {
        try {
            Shard::parse(text);
            ADD_FAILURE() << text;
        } catch (const jobs::JobError& error) {
            EXPECT_EQ(
                std::string(error.what()),
                std::string("--shard ") + text + ": is no shard; allowed: I/K with 1 <= I <= K <= 100000, as in 3/8");
        }
    }
}

TEST(ShardUnits, AreAPartitionOfThePlan) {
    std::vector<std::int64_t> plan(static_cast<std::size_t>(uneven_plan().unit_count()));
    std::iota(plan.begin(), plan.end(), 0);
    for (const int count : {1, 2, 3, 7, 16, 111, 112, 113, 1000}) {
        std::vector<std::int64_t> all;
        for (int index = 1; index <= count; ++index) {
            const std::vector<std::int64_t> units = shard_units(uneven_plan(), {index, count});
            all.insert(all.end(), units.begin(), units.end());
        }
        std::ranges::sort(all);
        EXPECT_EQ(all, plan) << count;
    }
}

TEST(ShardUnits, CostAboutTheSameAndComeLongestFirst) {
    for (const int count : {2, 3, 5, 8, 32}) {
        std::vector<double> sums;
        for (int index = 1; index <= count; ++index) {
            double sum = 0, before = longest_cost();
            for (const std::int64_t unit : shard_units(uneven_plan(), {index, count})) {
                EXPECT_LE(uneven_plan().cost(unit), before);
                sum += before = uneven_plan().cost(unit);
            }
            sums.push_back(sum);
        }
        EXPECT_LE(std::ranges::max(sums) - std::ranges::min(sums), longest_cost()) << count;
    }
}

TEST(ShardUnits, AreTheSameWhoeverAsksForThem) {
    const jobs::SweepPlan again = jobs::SweepPlan::from_json(uneven_plan().to_json());
    for (int index = 1; index <= 5; ++index) {
        EXPECT_EQ(shard_units(again, {index, 5}), shard_units(uneven_plan(), {index, 5}));
    }
}
