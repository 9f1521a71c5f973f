#include "jobs/report/summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "jobs/merge.h"
#include "jobs/report/bootstrap.h"
#include "jobs/report/result_table.h"
#include "operators/noise_stream.h"
#include "tests/jobs_results/made_campaign.h"
#include "tests/support/paths.h"

namespace {

/// Normals of mean 3 and standard deviation 2, keyed by the experiment.
std::vector<double> experiment(std::uint64_t number, std::size_t count) {
    std::vector<float> z(count);
    operators::NoiseStream(99).normal({.purpose = operators::Purpose::start, .image = number}, z);
    std::vector<double> values;
    for (const float each : z) values.push_back(3 + 2 * static_cast<double>(each));
    return values;
}

/// In how many of 1000 experiments the interval holds the mean.
double coverage(std::size_t count) {
    int covered = 0;
    for (std::uint64_t number = 0; number < 1000; ++number) {
        const jobs::Interval interval = jobs::bootstrap_interval(experiment(number, count));
        covered += interval.low <= 3 && 3 <= interval.high ? 1 : 0;
    }
    return covered / 1000.0;
}

}  // namespace

TEST(Bootstrap, IntervalsCoverTheMeanAsOftenAsTheirPageSays) {
    // 1000 experiments: a standard error of 0.01
    EXPECT_NEAR(coverage(8), 0.89, 0.03);
    EXPECT_NEAR(coverage(20), 0.93, 0.025);
}

TEST(Bootstrap, IsTheSameEachTimeAndMovesWithTheValues) {
    const std::vector<double> values = experiment(1, 12);
    const jobs::Interval interval = jobs::bootstrap_interval(values);
    EXPECT_EQ(interval.low, jobs::bootstrap_interval(values).low);
    std::vector<double> moved = values, scaled = values;
    for (double& value : moved) value += 10;
    for (double& value : scaled) value *= -2;
    EXPECT_NEAR(jobs::bootstrap_interval(moved).low, interval.low + 10, 1e-9);
    EXPECT_NEAR(jobs::bootstrap_interval(moved).high, interval.high + 10, 1e-9);
    // Turned round, the resamples are the same ones
    EXPECT_NEAR(jobs::bootstrap_interval(scaled).low, -2 * interval.high, 0.05);
    EXPECT_NEAR(jobs::bootstrap_interval(scaled).high, -2 * interval.low, 0.05);
}

TEST(Bootstrap, SkewMovesBothEndsToTheLongTail) {
    std::vector<double> values;
    for (const double value : experiment(7, 30)) values.push_back(std::exp(value / 2));
    double mean = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    const jobs::Interval interval = jobs::bootstrap_interval(values);
    EXPECT_GT(interval.high - mean, 1.1 * (mean - interval.low));
}

TEST(Bootstrap, OfNothingMuchIsNothing) {
    EXPECT_TRUE(std::isnan(jobs::bootstrap_interval({}).low));
    EXPECT_TRUE(std::isnan(jobs::bootstrap_interval(std::vector<double>{1.0}).high));
    const jobs::Interval same = jobs::bootstrap_interval(std::vector<double>{2.0, 2.0, 2.0});
    EXPECT_EQ(same.low, 2.0);
    EXPECT_EQ(same.high, 2.0);
}

class Summary : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        made_ = new MadeCampaign;
        made_->journal(4.0);
        jobs::merge(made_->campaign());
    }
    static void TearDownTestSuite() { delete made_; }
    static MadeCampaign* made_;
};

MadeCampaign* Summary::made_ = nullptr;

TEST_F(Summary, MeansAndErrorsAreTheTables) {
    const std::vector<jobs::SummaryLine> lines = jobs::summary_lines(made_->results());
    std::size_t compared = 0;
    for (const jobs::TableLine& of_table : jobs::table_lines(made_->results())) {
        for (const jobs::SummaryLine& line : lines) {
            if (line.method != of_table.method || line.operator_label != of_table.operator_label ||
                line.sigma_y != of_table.sigma_y || line.metric != "psnr") {
                continue;
            }
            EXPECT_NEAR(line.standard_error, of_table.psnr.standard_error, 1e-12) << line.method;
            EXPECT_EQ(line.diverged, of_table.diverged);
            EXPECT_LE(line.interval.low, line.mean);
            EXPECT_GE(line.interval.high, line.mean);
            ++compared;
        }
    }
    EXPECT_GT(compared, 10U);
    const bool has_unobserved = std::ranges::any_of(
        lines, [](const auto& l) { return l.metric == "psnr_unobserved" && l.operator_label.starts_with("box"); });
    EXPECT_TRUE(has_unobserved);
}

TEST_F(Summary, DifferencesArePairedByImage) {
    const std::vector<jobs::SummaryLine> lines = jobs::summary_lines(made_->results());
    const std::vector<jobs::DifferenceLine> differences = jobs::difference_lines(made_->results());
    ASSERT_FALSE(differences.empty());
    const auto mean_of = [&](const std::string& method, const jobs::DifferenceLine& like) {
        for (const jobs::SummaryLine& line : lines) {
            if (line.method == method && line.operator_label == like.operator_label && line.sigma_y == like.sigma_y &&
                line.metric == like.metric) {
                return line;
            }
        }
        return jobs::SummaryLine{};
    };
    std::size_t compared = 0;
    for (const jobs::DifferenceLine& line : differences) {
        EXPECT_NE(line.first, line.second);
        EXPECT_TRUE(line.share_better >= 0 && line.share_better <= 1);
        const jobs::SummaryLine one = mean_of(line.first, line), other = mean_of(line.second, line);
        // On the same images the mean of differences is the difference of means
        if (one.images != line.images || other.images != line.images) continue;
        EXPECT_NEAR(line.mean, one.mean - other.mean, 1e-9) << line.first << " " << line.second << " " << line.metric;
        ++compared;
    }
    EXPECT_GT(compared, 10U);
}

TEST_F(Summary, FilesAndTextHoldEveryLine) {
    const test_support::TemporaryFolder folder;
    jobs::write_summary(made_->results(), folder.path());
    const auto count = [](const std::string& text) { return std::ranges::count(text, '\n'); };
    const auto lines = static_cast<std::ptrdiff_t>(jobs::summary_lines(made_->results()).size());
    const auto pairs = static_cast<std::ptrdiff_t>(jobs::difference_lines(made_->results()).size());
    EXPECT_EQ(count(test_support::read_text(folder / "summary.csv")), lines + 1);
    EXPECT_EQ(count(test_support::read_text(folder / "differences.csv")), pairs + 1);
    const std::string table = jobs::interval_table(made_->results());
    EXPECT_NE(table.find("box size=24 at 0.05 (0.025)\n"), std::string::npos) << table;
    EXPECT_NE(table.find("    psnr "), std::string::npos) << table;
    EXPECT_NE(table.find(", against "), std::string::npos) << table;
}
