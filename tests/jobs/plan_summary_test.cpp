#include "jobs/plan_summary.h"

#include <gtest/gtest.h>

#include "tests/jobs/planned_jobs.h"

TEST(PlanSummary, AddsUpRowsCallsAndBytes) {
    const std::string text = test_jobs::basis +
                             "method = sdedit, dps, ddpm\noperator = box, random\nsteps = 100\n"
                             "[sdedit]\nt-start = 500\n[ddpm]\nsamples = 10\n";
    const jobs::SweepPlan plan = test_jobs::plan_of(text);
    const pipeline::ModelDescription model = test_jobs::small_model();
    const jobs::PlanSummary summary = jobs::summarise(plan, model);
    EXPECT_EQ(summary.configurations, 5);
    EXPECT_EQ(summary.units, 4 * 3 + 2);
    EXPECT_EQ(summary.rows, 4 * 20 + 10);
    EXPECT_DOUBLE_EQ(summary.network_calls, 2 * 20 * 50.0 + 2 * 20 * 100.0 + 10 * 100.0);
    EXPECT_DOUBLE_EQ(summary.forward_passes, 2 * 20 * 50.0 + 2 * 20 * 100.0 * 2.4 + 10 * 100.0);
    EXPECT_DOUBLE_EQ(summary.flop_per_pass, pipeline::forward_flop(model.network, 64, 64));
    EXPECT_DOUBLE_EQ(summary.result_bytes, 90.0 * 3 * 64 * 64 * 4);
    // SDEdit and DPS share the measurements of both operators.
    EXPECT_DOUBLE_EQ(summary.measurement_bytes, 2 * 20.0 * 3 * 64 * 64 * 2 * 4);
    EXPECT_DOUBLE_EQ(jobs::summarise(test_jobs::plan_of(text, {{"store", "uint8"}}), model).result_bytes,
                     90.0 * 3 * 64 * 64);
}
