#include <gtest/gtest.h>

#include "jobs/campaign.h"
#include "jobs/job_error.h"
#include "jobs/journal.h"
#include "pipeline/data/unit_file.h"
#include "tests/jobs/planned.h"

namespace {

const std::string campaign_job = "method = ddpm\nsamples = 5\nbatch = 2\nsteps = 5\n";

jobs::SweepPlan campaign_plan(const jobs::Overrides& overrides = {}) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "job.ini",
                             "model = " + (quickstart_folder() / "model").string() + "\n" + campaign_job);
    return planned(folder / "job.ini", overrides);
}

}  // namespace

TEST(Campaign, SamePlanContinuesAndAnotherIsRefusedWithTheDifference) {
    const test_support::TemporaryFolder folder;
    const std::filesystem::path run = folder / "run";
    jobs::Campaign::create_or_continue(run, campaign_plan(), nullptr);
    const std::string frozen = test_support::read_text(run / "plan.json");
    EXPECT_NO_THROW(jobs::Campaign::create_or_continue(run, campaign_plan(), nullptr));
    try {
        jobs::Campaign::create_or_continue(run, campaign_plan({{"seed", "9"}}), nullptr);
        FAIL() << "another job was accepted";
    } catch (const jobs::JobError& error) {
        EXPECT_NE(std::string(error.what()).find("seed: 0 in the folder, 9 in the job"), std::string::npos)
            << error.what();
    }
    EXPECT_EQ(test_support::read_text(run / "plan.json"), frozen);
}

TEST(Campaign, ForeignFoldersAreLeftAlone) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "run" / "thesis.tex", "x");
    EXPECT_THROW(jobs::Campaign::create_or_continue(folder / "run", campaign_plan(), nullptr), jobs::JobError);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "run"), {}), 1);
    EXPECT_THROW(jobs::Campaign::open(folder / "run"), jobs::JobError);
}

TEST(Campaign, FolderThatCannotBeWrittenIsTheMachinesFault) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "file", "x");
    EXPECT_THROW(jobs::Campaign::create_or_continue(folder / "file" / "run", campaign_plan(), nullptr),
                 jobs::EnvironmentError);
}

TEST(Campaign, UnitIsDoneExactlyWhenItsFileExists) {
    const test_support::TemporaryFolder folder;
    const jobs::Campaign campaign = jobs::Campaign::create_or_continue(folder / "run", campaign_plan(), nullptr);
    EXPECT_TRUE(campaign.committed().empty());
    for (const std::int64_t unit : {2, 0}) test_support::write_text(campaign.folder() / pipeline::unit_path(unit), "x");
    test_support::write_text(campaign.folder() / "units" / "000" / "unit-000001.h5.host.1.tmp", "half");
    test_support::write_text(campaign.folder() / "units" / "000" / "unit-000099.h5", "not of this plan");
    EXPECT_EQ(campaign.committed(), (std::vector<std::int64_t>{0, 2}));
    campaign.remove_temporaries();
    EXPECT_FALSE(std::filesystem::exists(campaign.folder() / "units" / "000" / "unit-000001.h5.host.1.tmp"));
    EXPECT_EQ(campaign.committed(), (std::vector<std::int64_t>{0, 2}));
}

TEST(Journal, MayBeCutAtAnyByte) {
    const test_support::TemporaryFolder folder;
    {
        jobs::Journal journal(folder.path());
        for (std::int64_t unit = 0; unit < 3; ++unit) {
            jobs::JournalEntry entry;
            entry.event = "committed";
            entry.unit = unit;
            entry.seconds = 1.5;
            entry.host = "node \"1\"\n";
            journal.append(entry);
        }
        journal.sync();
    }
    const std::string whole = test_support::read_text(folder / "journal.jsonl");
    ASSERT_EQ(jobs::read_journal(folder.path()).back().host, "node \"1\"\n");
    std::size_t last = 0;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        test_support::write_text(folder / "journal.jsonl", whole.substr(0, size));
        std::size_t committed = 0;
        for (const jobs::JournalEntry& entry : jobs::read_journal(folder.path()))
            committed += entry.event == "committed";
        EXPECT_GE(committed, last);
        last = committed;
        if (size % 40 != 0) continue;
        // What is appended after a torn line is read.
        {
            jobs::Journal journal(folder.path());
            jobs::JournalEntry entry;
            entry.event = "committed";
            entry.unit = 77;
            journal.append(entry);
        }
        EXPECT_EQ(jobs::read_journal(folder.path()).back().unit, 77);
    }
    EXPECT_EQ(last, 3u);
}
