#include "jobs/unit_history.h"

#include <gtest/gtest.h>

#include "jobs/journal.h"
#include "tests/support/paths.h"

namespace {

using jobs::UnitHistory;
using Histories = std::map<std::int64_t, UnitHistory>;
using Entries = std::vector<jobs::JournalEntry>;

void append_to(const std::filesystem::path& folder, const Entries& entries, const std::string& name = "journal.jsonl") {
    jobs::Journal journal(folder, name);
    for (const jobs::JournalEntry& entry : entries) journal.append(entry);
}

Histories histories_of(const Entries& entries) {
    const test_support::TemporaryFolder folder;
    append_to(folder.path(), entries);
    return jobs::read_histories(folder.path());
}

void expect_history(const Histories& histories, std::int64_t unit, int deaths, int failures) {
    ASSERT_TRUE(histories.contains(unit)) << unit;
    EXPECT_EQ(histories.at(unit).deaths, deaths) << unit;
    EXPECT_EQ(histories.at(unit).failures, failures) << unit;
}

/// Everything that can be told, in the order of a run that is started twice.
const Entries eventful = {
    {.event = "run"},
    {.event = "assigned", .unit = 0, .rank = 1},
    {.event = "assigned", .unit = 1, .rank = 2},
    {.event = "committed", .unit = 0, .rank = 1},
    {.event = "assigned", .unit = 2, .rank = 1},
    {.event = "failed", .unit = 1, .rank = 2, .reason = "no room"},
    {.event = "assigned", .unit = 1, .rank = 2},
    {.event = "died", .unit = 2, .rank = 1, .reason = "signal 9"},
    {.event = "run"},
    {.event = "assigned", .unit = 1, .rank = 1},
    {.event = "failed", .unit = 1, .rank = 1, .reason = "no room"},
    {.event = "quarantined", .unit = 1, .reason = "failed twice: no room"},
    {.event = "assigned", .unit = 3, .rank = 1},
};

}  // namespace

TEST(UnitHistory, IsEmptyWhereNothingWentWrong) {
    EXPECT_TRUE(jobs::read_histories("/nowhere").empty());
    EXPECT_TRUE(histories_of({{.event = "run"},
                              {.event = "assigned", .unit = 0, .rank = 1},
                              {.event = "committed", .unit = 0, .rank = 1},
                              {.event = "assigned", .unit = 1, .rank = 1},
                              {.event = "released", .unit = 1, .rank = 1},
                              {.event = "run"}})
                    .empty());
}

TEST(UnitHistory, TellsDeathsFailuresAndQuarantine) {
    const Histories histories = histories_of(eventful);
    ASSERT_EQ(histories.size(), 3u);
    expect_history(histories, 1, 1, 2);
    EXPECT_TRUE(histories.at(1).is_quarantined);
    EXPECT_EQ(histories.at(1).reason, "failed twice: no room");
    expect_history(histories, 2, 1, 0);
    EXPECT_FALSE(histories.at(2).is_quarantined);
    EXPECT_EQ(histories.at(2).reason, "signal 9");
    expect_history(histories, 3, 1, 0);
}

TEST(UnitHistory, AnAttemptThatNobodyClosedIsADeath) {
    const jobs::JournalEntry run = {.event = "run"}, assigned = {.event = "assigned", .unit = 5, .rank = 1};
    expect_history(histories_of({run, assigned}), 5, 1, 0);
    expect_history(histories_of({run, assigned, run}), 5, 1, 0);
    expect_history(histories_of({run, assigned, run, assigned}), 5, 2, 0);
    expect_history(histories_of({run, assigned, assigned}), 5, 2, 0);
}

TEST(UnitHistory, TwoRanksAtOneUnitAreTwoAttempts) {
    const Entries both = {{.event = "assigned", .unit = 5, .rank = 1}, {.event = "assigned", .unit = 5, .rank = 2}};
    expect_history(histories_of(both), 5, 2, 0);
    Entries one_released = both;
    one_released.push_back({.event = "released", .unit = 5, .rank = 1});
    expect_history(histories_of(one_released), 5, 1, 0);
    Entries committed = both;
    committed.push_back({.event = "committed", .unit = 5, .rank = 2});
    EXPECT_TRUE(histories_of(committed).empty());
}

TEST(UnitHistory, CommittedForgetsTheUnitAndRetryForgetsEverything) {
    Entries entries = eventful;
    entries.push_back({.event = "committed", .unit = 2, .rank = 1});
    EXPECT_FALSE(histories_of(entries).contains(2));
    entries.push_back({.event = "retry"});
    EXPECT_TRUE(histories_of(entries).empty());
    entries.push_back({.event = "died", .unit = 1, .rank = 1});
    expect_history(histories_of(entries), 1, 1, 0);
}

TEST(UnitHistory, ReadsTheJournalsOfShardsInTheOrderOfTime) {
    const test_support::TemporaryFolder folder;
    append_to(folder.path(), {{.event = "run", .time = 20}, {.event = "retry", .time = 21}});
    append_to(folder.path(),
              {{.event = "run", .time = 10},
               {.event = "quarantined", .unit = 4, .time = 11},
               {.event = "run", .time = 30},
               {.event = "assigned", .unit = 6, .rank = 0, .time = 31}},
              "journal-shard-1-of-2.jsonl");
    append_to(folder.path(),
              {{.event = "assigned", .unit = 7, .rank = 0, .time = 5},
               {.event = "run", .time = 32},
               {.event = "assigned", .unit = 9, .rank = 0, .time = 33},
               {.event = "released", .unit = 9, .rank = 0, .time = 34}},
              "journal-shard-2-of-2.jsonl");
    const Histories histories = jobs::read_histories(folder.path());
    EXPECT_EQ(histories.size(), 1u);
    expect_history(histories, 6, 1, 0);
}

TEST(UnitHistory, AJournalCutAtAnyByteIsRead) {
    const test_support::TemporaryFolder folder;
    append_to(folder.path(), eventful);
    const std::string text = test_support::read_text(folder / "journal.jsonl");
    for (std::size_t length = 0; length <= text.size(); ++length) {
        test_support::write_text(folder / "journal.jsonl", text.substr(0, length));
        Histories histories;
        ASSERT_NO_THROW(histories = jobs::read_histories(folder.path())) << length;
        EXPECT_LE(histories.size(), 3u);
        for (const auto& [unit, history] : histories) {
            EXPECT_TRUE(history.deaths > 0 || history.failures > 0) << unit << " at " << length;
        }
        test_support::write_text(folder / "journal.jsonl", text.substr(length));
        ASSERT_NO_THROW(jobs::read_histories(folder.path())) << length;
    }
}
