#include "pipeline/work_unit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "tests/jobs/planned_jobs.h"

TEST(Configuration, JsonHasSortedNamesAndReadsBackExactly) {
    pipeline::Configuration configuration;
    configuration.method = "dps";
    configuration.method_settings.set("zeta", 0.1 + 0.2);
    configuration.method_settings.set("preset", std::string("code"));
    configuration.operator_name = "box";
    configuration.operator_settings.set("size", std::int64_t{24});
    configuration.operator_settings.set("std", 3.0);
    configuration.operator_settings.set("on", true);
    configuration.sigma_y = 0.05;
    const std::string json = configuration.to_json();
    EXPECT_EQ(json,
              "{\"class\":\"\",\"clip\":true,\"method\":\"dps\",\"method_settings\":{\"preset\":\"code\",\"zeta\":0."
              "30000000000000004},"
              "\"noise_on_unobserved\":true,\"operator\":\"box\",\"operator_settings\":{\"on\":true,\"size\":24,"
              "\"std\":3.0},\"poisson_rate\":0.0,\"respacing\":\"\",\"sigma_y\":0.05,\"variance\":\"fixed_small\"}");
    const pipeline::Configuration again = pipeline::Configuration::from_json(json);
    EXPECT_EQ(again.to_json(), json);
    // An integer stays one, a real number too.
    EXPECT_EQ(again.method_settings, configuration.method_settings);
    EXPECT_EQ(again.operator_settings, configuration.operator_settings);
}

TEST(Configuration, NoNoiseLevelStaysNaN) {
    pipeline::Configuration configuration;
    configuration.method = "ddpm";
    configuration.sigma_y = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(std::isnan(pipeline::Configuration::from_json(configuration.to_json()).sigma_y));
}

TEST(Configuration, LabelsNameOperatorAxesAndNoise) {
    const jobs::SweepPlan plan = test_jobs::plan_of(test_jobs::basis +
                                                    "method = dps\noperator = box, random, gaussian_blur, identity\n"
                                                    "sigma-y = 0.05, 0\n[random]\nfraction = 0.5, 0.92\n");
    std::set<std::string> measurements, operators;
    for (const auto& planned : plan.configurations()) {
        measurements.insert(planned.configuration.measurement_label());
        operators.insert(planned.configuration.operator_label());
    }
    EXPECT_EQ(measurements, (std::set<std::string>{"box-32-0.05", "box-32-0", "random-0.5-0.05", "random-0.5-0",
                                                   "random-0.92-0.05", "random-0.92-0", "gaussian_blur-3-0.05",
                                                   "gaussian_blur-3-0", "identity-0.05", "identity-0"}));
    EXPECT_EQ(operators, (std::set<std::string>{"box_32", "random_0.5", "random_0.92", "gaussian_blur_3", "identity"}));
}
