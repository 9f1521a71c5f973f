#include <gtest/gtest.h>

#include "tests/jobs/planned_jobs.h"

namespace {

using jobs::SweepPlan;

const std::string one_method = test_jobs::basis + "method = dps\noperator = box\n";

std::string difference_to(const std::string& changed, const std::string& folder = one_method) {
    return SweepPlan::difference(test_jobs::plan_of(folder), test_jobs::plan_of(changed));
}

}  // namespace

TEST(PlanDifference, NamesNumbersAndWords) {
    EXPECT_EQ(difference_to(one_method + "seed = 7\n"), "seed: 0 in the folder, 7 in the job");
    EXPECT_EQ(difference_to(one_method + "batch = 4\n"), "batch: 8 in the folder, 4 in the job");
    EXPECT_EQ(difference_to(one_method + "threads = 2\n"), "threads: 1 in the folder, 2 in the job");
    EXPECT_EQ(difference_to(one_method + "images = 2-4\n"), "images: 0-19 in the folder, 2-4 in the job");
    EXPECT_EQ(difference_to(one_method + "store = uint8\n"), "store: float32 in the folder, uint8 in the job");
    EXPECT_EQ(difference_to(one_method + "precision = bfloat16\n"),
              "precision: float32 in the folder, bfloat16 in the job");
    EXPECT_EQ(difference_to(one_method + "clip = no\n"), "clip: yes in the folder, no in the job");
    EXPECT_EQ(difference_to(one_method + "lpips = none\n"), "lpips: embedded in the folder, none in the job");
    EXPECT_EQ(difference_to(one_method + "samples = 2\n"), "dps.samples: 1 in the folder, 2 in the job");
    EXPECT_EQ(difference_to(one_method + "noise-on-unobserved = no\n"),
              "noise-on-unobserved: yes in the folder, no in the job");
}

TEST(PlanDifference, NamesDatasetModelAndWeightsByTheirDigests) {
    const test_support::TemporaryFolder folder;
    const jobs::Job job = test_jobs::job_of(folder, one_method);
    const test_jobs::NamedImages photos(20, std::string(64, 'a')), others(20, std::string(64, 'b'));
    const pipeline::ModelDescription model = test_jobs::small_model();
    const SweepPlan plan = SweepPlan::make(job, model, &photos, std::string(64, 'c'));
    EXPECT_EQ(
        SweepPlan::difference(plan, SweepPlan::make(job, model, &others, std::string(64, 'c'))),
        "dataset (names and sizes of its images): digest aaaaaaaaaaaa… in the folder, digest bbbbbbbbbbbb… in the "
        "job");
    EXPECT_EQ(SweepPlan::difference(plan, SweepPlan::make(job, model, &photos, std::string(64, 'd'))),
              "model: SHA-256 cccccccccccc… in the folder, SHA-256 dddddddddddd… in the job");
}

TEST(PlanDifference, NamesTheSettingOfAMethodOrOperator) {
    EXPECT_EQ(difference_to(one_method + "[dps]\nzeta = 2\n"), "dps.zeta: 0.5 in the folder, 2 in the job");
    EXPECT_EQ(difference_to(one_method + "[dps]\nzeta = 0.5, 2\n"), "dps.zeta: 0.5 in the folder, 0.5, 2 in the job");
    EXPECT_EQ(difference_to(one_method + "[box]\nsize = 16\n"), "box.size: 32 in the folder, 16 in the job");
    EXPECT_EQ(difference_to(one_method + "sigma-y = 0.05, 0.1\n"), "sigma-y: 0.05 in the folder, 0.05, 0.1 in the job");
    EXPECT_EQ(difference_to(one_method + "sigma-y = 0.2\n"), "sigma-y: 0.05 in the folder, 0.2 in the job");
}

TEST(PlanDifference, OneMoreMethodOrOperatorIsOneDifference) {
    EXPECT_EQ(difference_to(test_jobs::basis + "method = dps, sdedit\noperator = box\n"),
              "method: dps in the folder, dps, sdedit in the job");
    EXPECT_EQ(difference_to(one_method, test_jobs::basis + "method = dps, sdedit\noperator = box\n"),
              "method: dps, sdedit in the folder, dps in the job");
    EXPECT_EQ(difference_to(test_jobs::basis + "method = dps\noperator = box, random\n"),
              "operator: box in the folder, box, random in the job");
    EXPECT_EQ(difference_to(one_method, test_jobs::basis + "method = dps\noperator = box, random\n"),
              "operator: box, random in the folder, box in the job");
}

TEST(PlanDifference, OtherPointsOfTheSameAxesAreNamed) {
    const std::string both = test_jobs::basis + "method = dps, sdedit\noperator = box, random\n";
    EXPECT_EQ(difference_to(both + "[sdedit]\noperator = box\n", both),
              "points of the sweep: 4 in the folder, 3 in the job");
    EXPECT_EQ(difference_to(both + "[sdedit]\nt-start = 500, 200\n", both + "[sdedit]\nt-start = 200, 500\n"),
              "sdedit.t-start: 200, 500 in the folder, 500, 200 in the job");
    EXPECT_EQ(difference_to(both + "[sdedit]\noperator = random\n", both + "[sdedit]\noperator = box\n"),
              "point 2 of the sweep: sdedit of box-32-0.05, 1 samples in the folder, sdedit of random-0.92-0.05, 1 "
              "samples in the job");
}

TEST(PlanDifference, CountsWhatItDoesNotTell) {
    const std::string many = difference_to(one_method + "seed = 7\nbatch = 1\nthreads = 2\nstore = uint8\nclip = no\n");
    EXPECT_EQ(
        many,
        "seed: 0 in the folder, 7 in the job; batch: 8 in the folder, 1 in the job; threads: 1 in the folder, 2 in "
        "the job; and 2 more");
}
