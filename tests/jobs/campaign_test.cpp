#include "jobs/campaign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "jobs/job_error.h"
#include "pipeline/data/unit_file.h"
#include "tests/jobs/planned_jobs.h"

namespace {

namespace fs = std::filesystem;
using jobs::Campaign;
using jobs::SweepPlan;
using test_support::read_text;
using test_support::TemporaryFolder;
using test_support::write_text;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string text = test_jobs::basis + "method = dps\noperator = box\nbatch = 4\n";
const test_jobs::NamedImages photos(20);

/// Every file and folder below with content and time: what must not change.
std::vector<std::string> listing(const fs::path& folder) {
    std::vector<std::string> entries;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        std::string line = entry.path().string();
        if (entry.is_regular_file()) line += ": " + read_text(entry.path());
        entries.push_back(line + " " + std::to_string(entry.last_write_time().time_since_epoch().count()));
    }
    std::ranges::sort(entries);
    return entries;
}

std::string refusal(const fs::path& folder, const SweepPlan& plan) {
    try {
        Campaign::create_or_continue(folder, plan, &photos);
    } catch (const jobs::JobError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST(Campaign, FreezesPlanAndImageList) {
    const TemporaryFolder folder;
    const SweepPlan plan = test_jobs::plan_of(text + "images = 2-4\n");
    test_jobs::NamedImages names(20);
    names.names_[3] = "two\nlines\x1b.png";
    Campaign::create_or_continue(folder / "a/run", plan, &names);
    EXPECT_EQ(read_text(folder / "a/run/images.txt"), "photo2.png\ntwo\\x0alines\\x1b.png\nphoto4.png\n");
    const Campaign opened = Campaign::open(folder / "a/run");
    EXPECT_EQ(opened.plan().digest(), plan.digest());
    EXPECT_EQ(read_text(folder / "a/run/plan.json"), plan.to_json());
    for (const char* name : {"units", "measurements", "logs"}) EXPECT_TRUE(fs::is_directory(folder / "a/run" / name));
}

TEST(Campaign, SamePlanContinuesAndNothingChanges) {
    const TemporaryFolder folder;
    const SweepPlan plan = test_jobs::plan_of(text);
    Campaign::create_or_continue(folder / "run", plan, &photos);
    write_text(folder / "run" / pipeline::unit_path(3).string(), "");
    const auto before = listing(folder / "run");
    const Campaign again = Campaign::create_or_continue(folder / "run", plan, &photos);
    EXPECT_EQ(listing(folder / "run"), before);
    EXPECT_THAT(again.committed(), ElementsAre(3));
}

TEST(Campaign, AMovedDatasetIsWhereTheRanksLookAfterwards) {
    const TemporaryFolder folder;
    Campaign::create_or_continue(folder / "run", test_jobs::plan_of(text), &photos);
    const SweepPlan moved = test_jobs::plan_of(text, {{"dataset", "/elsewhere"}, {"device", "cpu"}});
    Campaign::create_or_continue(folder / "run", moved, &photos);
    EXPECT_EQ(Campaign::open(folder / "run").plan().dataset(), "/elsewhere");
    EXPECT_EQ(Campaign::open(folder / "run").plan().device(), "cpu");
}

TEST(Campaign, AnotherJobIsRefusedWithTheDifferenceAndNothingIsTouched) {
    const TemporaryFolder folder;
    Campaign::create_or_continue(folder / "run", test_jobs::plan_of(text), &photos);
    const auto before = listing(folder / "run");
    EXPECT_EQ(refusal(folder / "run", test_jobs::plan_of(text + "seed = 7\n")),
              (folder / "run").string() +
                  ": belongs to another job: seed: 0 in the folder, 7 in the job; allowed: the same job, or another "
                  "--output");
    EXPECT_EQ(listing(folder / "run"), before);
}

TEST(Campaign, FoldersOfOthersAreRefusedAndNotTouched) {
    const SweepPlan plan = test_jobs::plan_of(text);
    for (const char* name : {"thesis.tex", "images.txt", "draft.tmp", "units/mine.h5", "logs/.hidden"}) {
        const TemporaryFolder folder;
        write_text(folder / "run" / name, "precious");
        const auto before = listing(folder / "run");
        EXPECT_THAT(refusal(folder / "run", plan), HasSubstr("holds files and no plan.json")) << name;
        EXPECT_EQ(listing(folder / "run"), before) << name;
    }
}

TEST(Campaign, AStartThatWasStoppedBeforeThePlanWasFrozenCanBeMadeAgain) {
    const TemporaryFolder folder;
    const SweepPlan plan = test_jobs::plan_of(text);
    Campaign::create_or_continue(folder / "run", plan, &photos);
    fs::remove(folder / "run/plan.json");
    write_text(folder / "run/plan.json.host.1.2.tmp", "{");
    EXPECT_EQ(refusal(folder / "run", plan), "");
    EXPECT_EQ(Campaign::open(folder / "run").plan().digest(), plan.digest());
}

TEST(Campaign, AFileInTheFoldersPlaceIsTheEnvironmentsFault) {
    const TemporaryFolder folder;
    write_text(folder / "run", "a file");
    EXPECT_THROW(Campaign::create_or_continue(folder / "run", test_jobs::plan_of(text), &photos),
                 jobs::EnvironmentError);
    EXPECT_THROW(Campaign::create_or_continue(folder / "run/below", test_jobs::plan_of(text), &photos),
                 jobs::EnvironmentError);
    EXPECT_THROW(Campaign::create_or_continue("/proc/diffinv", test_jobs::plan_of(text), &photos),
                 jobs::EnvironmentError);
    EXPECT_EQ(read_text(folder / "run"), "a file");
}

TEST(Campaign, OpenRefusesWhatIsNoRun) {
    const TemporaryFolder folder;
    EXPECT_THROW(Campaign::open(folder / "absent"), jobs::JobError);
    EXPECT_THROW(Campaign::open(folder.path()), jobs::JobError);
    write_text(folder / "plan.json", "{}");
    EXPECT_THROW(Campaign::open(folder.path()), jobs::JobError);
}

TEST(Campaign, CommittedIsWhatStandsAtItsPlace) {
    const TemporaryFolder folder;
    const Campaign campaign = Campaign::create_or_continue(folder / "run", test_jobs::plan_of(text), &photos);
    EXPECT_THAT(campaign.committed(), ElementsAre());
    for (const char* name : {"000/unit-000004.h5", "000/unit-000000.h5"}) write_text(folder / "run/units" / name, "");
    // Temporary, in another folder, in other spellings, beyond the plan of 5 units.
    for (const char* name : {"000/unit-000001.h5.host.1.2.tmp", "001/unit-000001.h5", "000/unit-2.h5",
                             "000/unit-00000x.h5", "000/unit-000005.h5", "unit-000003.h5"}) {
        write_text(folder / "run/units" / name, "");
    }
    EXPECT_THAT(campaign.committed(), ElementsAre(0, 4));
    fs::remove_all(folder / "run/units");
    EXPECT_THAT(campaign.committed(), ElementsAre());
}

TEST(Campaign, RemovesTemporariesAndNothingElse) {
    const TemporaryFolder folder;
    const Campaign campaign = Campaign::create_or_continue(folder / "run", test_jobs::plan_of(text), &photos);
    const std::vector<std::string> left = {"results.h5.h.1.2.tmp", "units/000/unit-000001.h5.h.1.2.tmp",
                                           "measurements/box-32-0.05/block-0000.h5.h.1.2.tmp"};
    const std::vector<std::string> kept = {"results.h5", "units/000/unit-000001.h5", "logs/rank.tmp",
                                           "measurements/box-32-0.05/block-0000.h5"};
    for (const auto& name : left) write_text(folder / "run" / name, "");
    for (const auto& name : kept) write_text(folder / "run" / name, "");
    campaign.remove_temporaries();
    for (const auto& name : left) EXPECT_FALSE(fs::exists(folder / "run" / name)) << name;
    for (const auto& name : kept) EXPECT_TRUE(fs::exists(folder / "run" / name)) << name;
}
