#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "operators/make_operator.h"
#include "pipeline/data/sha256.h"
#include "pipeline/samplers/make_sampler.h"
#include "tests/jobs/planned_jobs.h"

// Every job that is shipped can be planned as it stands, and together they show everything there is.

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> shipped_jobs() {
    std::vector<fs::path> jobs;
    for (const char* folder : {"examples", "quickstart"}) {
        for (const auto& entry : fs::directory_iterator(test_support::source_folder() / "jobs" / folder)) {
            if (entry.path().extension() == ".ini") jobs.push_back(entry.path());
        }
    }
    return jobs;
}

jobs::SweepPlan plan_file(const fs::path& file) {
    const jobs::Job job = jobs::read_job(file, {});
    const pipeline::ModelDescription model = pipeline::describe_model(job.model);
    std::unique_ptr<pipeline::Dataset> dataset;
    if (!job.dataset.empty()) {
        dataset = pipeline::open_dataset(job.dataset, {model.network.in_channels, model.image_size, model.image_size});
    }
    if (!job.measurements.empty()) dataset = pipeline::open_measurements(job.measurements);
    jobs::SweepPlan plan =
        jobs::SweepPlan::make(job, model, dataset.get(), pipeline::sha256_of_file(model.weights_file));
    if (dataset) dataset->check(plan.images());
    return plan;
}

}  // namespace

TEST(Examples, EachCanBePlanned) {
    ASSERT_GE(shipped_jobs().size(), 8u);
    for (const fs::path& file : shipped_jobs()) {
        SCOPED_TRACE(file.string());
        EXPECT_NO_THROW(EXPECT_GT(plan_file(file).unit_count(), 0));
    }
}

TEST(Examples, ShowEveryMethodAndOperator) {
    std::set<std::string> shown;
    for (const fs::path& file : shipped_jobs()) {
        const jobs::SweepPlan plan = plan_file(file);
        for (const auto& planned : plan.configurations()) {
            shown.insert(planned.configuration.method);
            shown.insert(planned.configuration.operator_name);
        }
    }
    for (const auto& method : pipeline::method_table())
        EXPECT_TRUE(shown.contains(std::string(method.name))) << method.name;
    for (const auto& entry : operators::operator_table()) {
        EXPECT_TRUE(shown.contains(std::string(entry.name))) << entry.name;
    }
}

TEST(Quickstart, TableJobHasItsPoints) {
    const jobs::SweepPlan plan = plan_file(test_support::source_folder() / "jobs" / "quickstart" / "poster_table.ini");
    // forward_reverse, and on three operators: SDEdit at 3 levels, ScoreALD with 2 presets, DPS; 8 photos; 16 samples
    EXPECT_EQ(plan.configurations().size(), 1u + 3 * 6 + 1);
    EXPECT_EQ(plan.rows(), 8 + 3 * 6 * 8 + 16);
    EXPECT_EQ(plan.unit_count(), 1 + 3 * 6 + 2);
}
