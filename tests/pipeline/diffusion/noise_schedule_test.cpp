#include "pipeline/diffusion/noise_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/data/hdf5.h"
#include "tests/support/paths.h"

namespace {

using pipeline::NoiseSchedule;
using pipeline::VarianceKind;

std::vector<double> doubles(const pipeline::Hdf5File& file, const std::string& name) {
    const at::Tensor values = file.read(name).to(at::kDouble).contiguous();
    return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

/// Every entry of a stored table to 1e-12 relative.
template <typename Entry>
void expect_table(const pipeline::Hdf5File& file, const std::string& name, const NoiseSchedule& schedule, Entry entry) {
    const std::vector<double> expected = doubles(file, name);
    ASSERT_EQ(static_cast<int>(expected.size()), schedule.size()) << name;
    for (int i = 0; i < schedule.size(); ++i) {
        EXPECT_LE(std::abs(entry(i) - expected[i]), 1e-12 * std::abs(expected[i])) << name << " at step " << i;
    }
}

void expect_shared_tables(const pipeline::Hdf5File& file, const std::string& group, const NoiseSchedule& schedule) {
    expect_table(file, group + "/betas", schedule, [&](int i) { return schedule.beta(i); });
    expect_table(file, group + "/alphas_cumprod", schedule, [&](int i) { return schedule.alpha_bar(i); });
    expect_table(file, group + "/posterior_log_variance_clipped", schedule,
                 [&](int i) { return schedule.posterior_log_variance_clipped(i); });
}

class GoldenSchedule : public testing::TestWithParam<const char*> {
  protected:
    static NoiseSchedule schedule() {
        return std::string(GetParam()) == "linear_1000" ? NoiseSchedule::linear(1000) : NoiseSchedule::cosine(1000);
    }
    pipeline::Hdf5File file_ = pipeline::Hdf5File::open(test_support::golden_folder() / "schedule.h5");
};

TEST_P(GoldenSchedule, TablesAreThoseOfTheReference) {
    const std::string group = GetParam();
    const NoiseSchedule own = schedule();
    expect_shared_tables(file_, group, own);
    expect_table(file_, group + "/posterior_variance", own, [&](int i) { return own.posterior_variance(i); });
    expect_table(file_, group + "/posterior_mean_coef1", own, [&](int i) { return own.posterior_mean_x0(i); });
    expect_table(file_, group + "/posterior_mean_coef2", own, [&](int i) { return own.posterior_mean_xt(i); });
    expect_table(file_, group + "/log_variance_fixed_large", own,
                 [&](int i) { return own.log_variance_fixed_large(i); });
    expect_table(file_, group + "/sqrt_recipm1_alphas_cumprod", own, [&](int i) { return own.sigma(i); });
}

TEST_P(GoldenSchedule, RespacedChainsAreThoseOfTheReference) {
    const std::string group = GetParam();
    int chains = 0;
    for (const std::string& name : file_.children(group)) {
        if (!file_.is_group(group + "/" + name)) continue;
        const std::string path = group + "/" + name;
        const auto request = file_.attribute(path, "respacing");
        ASSERT_TRUE(request.has_value()) << path;
        const NoiseSchedule own = schedule().respaced(pipeline::space_timesteps(1000, std::get<std::string>(*request)));
        expect_shared_tables(file_, path, own);
        expect_table(file_, path + "/timestep_map", own, [&](int i) { return own.timestep(i); });
        EXPECT_EQ(own.original_size(), 1000);
        ++chains;
    }
    EXPECT_EQ(chains, 8);
}

INSTANTIATE_TEST_SUITE_P(BothSchedules, GoldenSchedule, testing::Values("linear_1000", "cosine_1000"));

TEST(NoiseSchedule, LinearBetasRunFromOneEndToTheOtherWhateverTheLength) {
    const NoiseSchedule schedule = NoiseSchedule::linear(500);
    EXPECT_DOUBLE_EQ(schedule.beta(0), 2e-4);
    EXPECT_DOUBLE_EQ(schedule.beta(499), 0.04);
    EXPECT_NEAR(NoiseSchedule::linear(1000).alpha_bar(499), 0.0785872, 5e-8);
    EXPECT_NEAR(NoiseSchedule::linear(1000).sigma(799), 25.5285, 5e-5);
}

TEST(NoiseSchedule, ChainOfOneStepHasAPosterior) {
    const NoiseSchedule schedule = NoiseSchedule::linear(1000).respaced({999});
    EXPECT_DOUBLE_EQ(schedule.posterior_log_variance_clipped(0), std::log(schedule.beta(0)));
    EXPECT_DOUBLE_EQ(schedule.posterior_mean_x0(0), 1.0);
    EXPECT_EQ(schedule.posterior_mean_xt(0), 0.0);
    EXPECT_EQ(schedule.posterior_variance(0), 0.0);
}

TEST(NoiseSchedule, RespacingTwiceKeepsTheCheckpointsTimesteps) {
    const NoiseSchedule twice = NoiseSchedule::linear(1000).respaced({0, 100, 500, 999}).respaced({1, 3});
    EXPECT_THAT(twice.timesteps(), testing::ElementsAre(100, 999));
    EXPECT_NEAR(twice.alpha_bar(1), NoiseSchedule::linear(1000).alpha_bar(999), 1e-15);
    EXPECT_EQ(twice.original_size(), 1000);
}

TEST(NoiseSchedule, RefusesBetasOutsideTheirRange) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double beta : {0.0, -0.1, 1.5, nan}) {
        EXPECT_THROW(NoiseSchedule::from_betas({0.1, beta}), std::invalid_argument) << beta;
    }
    EXPECT_THROW(NoiseSchedule::from_betas({}), std::invalid_argument);
    EXPECT_THROW(NoiseSchedule::linear(0), std::invalid_argument);
    EXPECT_THROW(NoiseSchedule::cosine(0), std::invalid_argument);
    // 0.02 · 1000/10 is above 1
    EXPECT_THROW(NoiseSchedule::linear(10), std::invalid_argument);
}

TEST(NoiseSchedule, RefusesTimestepsThatDoNotAscend) {
    const NoiseSchedule schedule = NoiseSchedule::linear(100);
    for (const std::vector<int>& timesteps : {std::vector<int>{3, 3}, {5, 2}, {-1, 4}, {0, 100}, {}}) {
        EXPECT_THROW(schedule.respaced(timesteps), std::invalid_argument);
    }
}

TEST(VarianceKind, NamesAreReadBack) {
    for (const VarianceKind kind :
         {VarianceKind::fixed_small, VarianceKind::fixed_large, VarianceKind::learned_range}) {
        EXPECT_EQ(pipeline::parse_variance(pipeline::to_string(kind)), kind);
    }
    EXPECT_THROW(pipeline::parse_variance("fixed"), std::invalid_argument);
    EXPECT_THROW(pipeline::parse_variance(""), std::invalid_argument);
}

}  // namespace
