#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "jobs/job_error.h"
#include "tests/jobs/planned.h"

namespace {

jobs::SweepPlan plan_of(const std::string& more, const jobs::Overrides& overrides = {}) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "job.ini", small_job(more));
    return planned(folder / "job.ini", overrides);
}

const std::string sweep =
    "method = sdedit, dps\noperator = box, random\nsigma-y = 0.05, 0.1\nsteps = 10\nbatch = 3\n"
    "[sdedit]\nt-start = 200, 500\n[box]\nsize = 16, 24\n";

}  // namespace

TEST(SweepPlan, MethodsTimesOperatorsTimesNoiseTimesPoints) {
    const jobs::SweepPlan plan = plan_of(sweep);
    // (2 boxes + 1 random) × 2 noise levels × (2 sdedit + 1 dps), 8 images in blocks of 3.
    EXPECT_EQ(plan.configurations().size(), 18u);
    EXPECT_EQ(plan.unit_count(), 18 * 3);
    EXPECT_EQ(plan.rows(), 18 * 8);
}

TEST(SweepPlan, UnitsCoverEveryImageOfEveryConfigurationOnce) {
    const jobs::SweepPlan plan = plan_of(sweep + "[dps]\nsamples = 2\n");
    std::set<std::string> seen;
    std::int64_t rows = 0;
    for (std::int64_t number = 0; number < plan.unit_count(); ++number) {
        const pipeline::WorkUnit unit = plan.unit(number);
        EXPECT_EQ(unit.number, number);
        for (std::size_t row = 0; row < unit.image_index.size(); ++row) {
            EXPECT_EQ(unit.image_index[row] / 3, unit.block);
            seen.insert(unit.configuration.to_json() + std::to_string(unit.sample[row]) + "/" +
                        std::to_string(unit.image_index[row]));
            ++rows;
        }
    }
    EXPECT_EQ(static_cast<std::int64_t>(seen.size()), rows);
    EXPECT_EQ(rows, plan.rows());
}

TEST(SweepPlan, AutoIsReplacedByNumbers) {
    const jobs::SweepPlan plan = plan_of("method = dps\noperator = box, gaussian_blur\nsteps = 100\n");
    EXPECT_DOUBLE_EQ(plan.configurations()[0].configuration.method_settings.real("zeta"), 0.5 * 1000 / 100);
    EXPECT_DOUBLE_EQ(plan.configurations()[1].configuration.method_settings.real("zeta"), 0.3 * 1000 / 100);
    EXPECT_EQ(plan.configurations()[0].configuration.operator_settings.integer("size"), 32);
}

TEST(SweepPlan, GeneratingMethodsNeedNoImages) {
    const test_support::TemporaryFolder folder;
    test_support::write_text(folder / "job.ini", "model = " + (quickstart_folder() / "model").string() +
                                                     "\nmethod = ddpm\nsamples = 10\nbatch = 4\nsteps = 5\n");
    const jobs::SweepPlan plan = planned(folder / "job.ini");
    EXPECT_EQ(plan.unit_count(), 3);
    EXPECT_EQ(plan.unit(2).sample, (std::vector<std::int64_t>{8, 9}));
    EXPECT_EQ(plan.unit(2).image_index, (std::vector<std::int64_t>{-1, -1}));
    EXPECT_TRUE(std::isnan(plan.configurations()[0].configuration.sigma_y));
}

TEST(SweepPlan, ForwardReverseHasItsOwnOperatorAndNoise) {
    const jobs::SweepPlan plan = plan_of("method = forward_reverse\nsteps = 10\n");
    EXPECT_EQ(plan.configurations()[0].configuration.operator_name, "identity");
    EXPECT_EQ(plan.configurations()[0].configuration.sigma_y, 0);
}

TEST(SweepPlan, SameJobHasTheSameDigestAndAnyChangeAnother) {
    const std::string digest = plan_of(sweep).digest();
    EXPECT_EQ(plan_of(sweep).digest(), digest);
    EXPECT_EQ(plan_of(sweep, {{"device", "cpu"}}).digest(), digest);
    const std::pair<std::string, std::string> changes[] = {
        {"seed", "1"},     {"batch", "4"},     {"threads", "2"}, {"images", "0-3"}, {"clip", "no"},
        {"dps.zeta", "1"}, {"store", "uint8"}, {"samples", "2"}, {"lpips", "none"}, {"variance", "fixed_large"}};
    for (const auto& change : changes) EXPECT_NE(plan_of(sweep, {change}).digest(), digest) << change.first;
}

TEST(SweepPlan, SurvivesItsJson) {
    const jobs::SweepPlan plan = plan_of(sweep);
    const jobs::SweepPlan again = jobs::SweepPlan::from_json(plan.to_json());
    EXPECT_EQ(again.to_json(), plan.to_json());
    EXPECT_EQ(again.unit_count(), plan.unit_count());
    EXPECT_EQ(again.unit(17).configuration.to_json(), plan.unit(17).configuration.to_json());
    std::string changed = plan.to_json();
    changed.replace(changed.find("\"seed\": 0"), 9, "\"seed\": 1");
    EXPECT_THROW(jobs::SweepPlan::from_json(changed), jobs::JobError);
    EXPECT_THROW(jobs::SweepPlan::from_json("{"), jobs::JobError);
}

TEST(SweepPlan, ValuesThatDoNotFitTheCheckpointAreRefused) {
    for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{{"steps", "1001"},
                                                                                        {"image-size", "60"},
                                                                                        {"images", "0-8"},
                                                                                        {"variance", "learned_range"},
                                                                                        {"box.size", "80"}}) {
        EXPECT_THROW(plan_of(sweep, {{option, value}}), jobs::JobError) << option;
    }
    EXPECT_THROW(plan_of("method = dps\noperator = box\nsteps = 100\n[dps]\nzeta = auto, 5\n"), jobs::JobError);
    EXPECT_THROW(plan_of("method = sdedit\noperator = box\nsteps = 10\n[sdedit]\nt-start = 1001\n"), jobs::JobError);
}

TEST(SweepPlan, CostsAreThoseOfNetworkCalls) {
    const jobs::SweepPlan plan =
        plan_of("method = sdedit, dps\noperator = box\nsteps = 10\nbatch = 8\n[sdedit]\nt-start = 500\n");
    EXPECT_EQ(plan.configurations()[0].nfe, 5);
    EXPECT_EQ(plan.configurations()[1].nfe, 10);
    EXPECT_GT(plan.cost(1), 2 * plan.cost(0));
}

TEST(Examples, EveryOneIsPlanned) {
    int count = 0;
    for (const auto& folder : {test_support::source_folder() / "jobs" / "examples", quickstart_folder()}) {
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            if (entry.path().extension() != ".ini") continue;
            EXPECT_NO_THROW(EXPECT_GT(planned(entry.path()).unit_count(), 0)) << entry.path();
            ++count;
        }
    }
    EXPECT_GE(count, 13);
}
