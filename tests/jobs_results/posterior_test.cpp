#include "jobs/posterior.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <vector>

#include "jobs/merge.h"
#include "jobs/report/posterior_table.h"
#include "jobs/student_t.h"
#include "jobs/verify.h"
#include "operators/noise_stream.h"
#include "tests/jobs_results/made_campaign.h"

// What several samples say together, against draws of which it is known.

namespace {

constexpr operators::Shape posterior_shape{3, 40, 50};
constexpr double posterior_entries = 2 * 3 * 40 * 50;

/// Draw `which` of two images: N(0, 1) in every entry.
at::Tensor posterior_draw(std::uint32_t which) {
    const std::uint64_t images[] = {1, 2};
    return operators::NoiseStream(11).normal({.purpose = operators::Purpose::start, .sample = which}, images,
                                             posterior_shape, at::kCPU);
}

/// A truth of N(0, 1) among n samples of N(0, width²).
jobs::PosteriorSamples gaussian_posterior(int n, double width) {
    jobs::PosteriorSamples posterior(posterior_draw(0), n);
    for (int k = 1; k <= n; ++k) posterior.add(posterior_draw(static_cast<std::uint32_t>(k)) * width, {true, true});
    return posterior;
}

double mean_of_two(const std::vector<double>& values) {
    return (values.at(0) + values.at(1)) / 2;
}

}  // namespace

TEST(StudentT, HasTheQuantilesOfTheTables) {
    EXPECT_NEAR(jobs::student_t_quantile(0.975, 1), 12.706204736432095, 1e-8);
    EXPECT_NEAR(jobs::student_t_quantile(0.95, 2), 2.919985580353725, 1e-9);
    EXPECT_NEAR(jobs::student_t_quantile(0.75, 3), 0.7648923284043515, 1e-9);
    EXPECT_NEAR(jobs::student_t_quantile(0.975, 9), 2.2621571627409915, 1e-9);
    EXPECT_NEAR(jobs::student_t_quantile(0.95, 30), 1.6972608865939587, 1e-9);
    EXPECT_NEAR(jobs::student_t_quantile(0.975, 100000), 1.959988, 1e-5);
    EXPECT_NEAR(jobs::student_t_quantile(0.05, 4), -jobs::student_t_quantile(0.95, 4), 1e-12);
    EXPECT_THROW(jobs::student_t_quantile(1, 4), std::invalid_argument);
    EXPECT_THROW(jobs::student_t_quantile(0.5, 0), std::invalid_argument);
}

TEST(Posterior, CalibratedSamplesCoverTheTruthAsOftenAsTheySay) {
    for (const int n : {2, 4, 9}) {
        const jobs::PosteriorSamples posterior = gaussian_posterior(n, 1);
        for (const double p : {0.5, 0.9, 0.95}) {
            const double deviation = std::sqrt(p * (1 - p) / posterior_entries);
            EXPECT_NEAR(mean_of_two(posterior.coverage(p)), p, 4 * deviation) << n << " samples, " << p;
        }
        // Every rank as often as every other.
        const at::Tensor ranks = posterior.ranks();
        ASSERT_EQ(ranks.sizes(), (at::IntArrayRef{2, n + 1}));
        const double share = 1.0 / (n + 1);
        const double deviation = std::sqrt(share * (1 - share) / (posterior_entries / 2));
        EXPECT_LT((ranks - share).abs().max().item<double>(), 4 * deviation) << n;
        EXPECT_NEAR(mean_of_two(posterior.spread()), 1, 0.02);
    }
}

TEST(Posterior, TooSureAndTooUnsureSamplersAreToldApart) {
    const jobs::PosteriorSamples sure = gaussian_posterior(5, 0.5), unsure = gaussian_posterior(5, 2);
    EXPECT_LT(mean_of_two(sure.coverage(0.9)), 0.75);
    EXPECT_GT(mean_of_two(unsure.coverage(0.9)), 0.97);
    // U and hill.
    const at::Tensor of_sure = sure.ranks()[0], of_unsure = unsure.ranks()[0];
    EXPECT_GT(of_sure[0].item<double>(), 1.3 * of_sure[2].item<double>());
    EXPECT_LT(of_unsure[0].item<double>(), 0.7 * of_unsure[2].item<double>());
}

TEST(Posterior, MeanAndDeviationAreThoseOfTheSamples) {
    std::vector<at::Tensor> drawn;
    jobs::PosteriorSamples posterior({}, 4);
    for (std::uint32_t k = 1; k <= 4; ++k) {
        drawn.push_back(posterior_draw(k).to(at::kDouble));
        posterior.add(posterior_draw(k), {true, true});
    }
    const at::Tensor all = at::stack(drawn);
    EXPECT_TRUE(posterior.mean().allclose(all.mean(0).to(at::kFloat), 1e-6, 1e-6));
    EXPECT_TRUE(posterior.standard_deviation().allclose(all.std(0, /*unbiased=*/true).to(at::kFloat), 1e-5, 1e-6));
    EXPECT_TRUE(std::isnan(posterior.coverage(0.5)[0]));
    EXPECT_TRUE(posterior.ranks().isnan().all().item<bool>());
}

TEST(Posterior, SamplesThatDivergedAreLeftOut) {
    jobs::PosteriorSamples posterior(at::zeros({2, 3, 40, 50}), 3), expected(at::zeros({2, 3, 40, 50}), 3);
    at::Tensor broken = posterior_draw(9).clone();
    broken[0].fill_(std::nan(""));
    posterior.add(posterior_draw(1), {true, true});
    posterior.add(broken, {false, true});
    posterior.add(posterior_draw(2), {true, false});
    expected.add(posterior_draw(1), {true, true});
    expected.add(posterior_draw(2), {true, false});
    EXPECT_EQ(posterior.samples(), (std::vector<std::int64_t>{2, 2}));
    EXPECT_TRUE(posterior.mean()[0].equal(expected.mean()[0]));
    EXPECT_FALSE(posterior.mean()[1].isnan().any().item<bool>());
    // One sample says nothing of a spread.
    EXPECT_TRUE(expected.mean()[1].isnan().all().item<bool>());
    EXPECT_TRUE(std::isnan(expected.spread()[1]));
    EXPECT_TRUE(expected.ranks()[1].isnan().all().item<bool>());
}

TEST(Posterior, EqualValuesAreSharedEvenlyAmongTheirRanks) {
    jobs::PosteriorSamples posterior(at::zeros({1, 1, 1, 2}), 3);
    // Entry 0: all samples equal to the truth; entry 1: below, equal, above.
    for (const float second : {-1.0F, 0.0F, 1.0F}) {
        at::Tensor sample = at::zeros({1, 1, 1, 2});
        sample[0][0][0][1] = second;
        posterior.add(sample, {true});
    }
    const at::Tensor ranks = posterior.ranks()[0];
    EXPECT_DOUBLE_EQ(ranks[0].item<double>(), 0.125);
    EXPECT_DOUBLE_EQ(ranks[1].item<double>(), 0.125 + 0.25);
    EXPECT_DOUBLE_EQ(ranks[2].item<double>(), 0.125 + 0.25);
    EXPECT_DOUBLE_EQ(ranks[3].item<double>(), 0.125);
}

TEST(Posterior, MergeWritesWhatTheUnitsSayAndPythonAgrees) {
    for (const std::string store : {"float32", "uint8"}) {
        const MadeCampaign made("store = " + store + "\n" + MadeCampaign::job_text() + "[dps]\nsamples = 3\n");
        jobs::merge(made.campaign());
        const test_support::CommandResult check = test_support::run_command(
            "/usr/bin/python3 " + (test_support::source_folder() / "tests/jobs_results/check_posterior.py").string() +
            " " + made.folder().string());
        EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
        const std::string table = jobs::posterior_table(made.results());
        EXPECT_NE(table.find("truth in 95 %"), std::string::npos);
        EXPECT_NE(table.find("dps"), std::string::npos) << table;
        EXPECT_TRUE(std::filesystem::exists(made.folder() / "posterior.csv"));
        EXPECT_TRUE(jobs::verify(made.campaign()).damages.empty());
    }
}

TEST(Posterior, BlocksWithOneSampleHaveNoEntryAndRunsWithoutSamplesNoGroup) {
    const MadeCampaign one(MadeCampaign::job_text(),
                           [](const pipeline::WorkUnit& unit) { return unit.sample.front() == 0; });
    jobs::merge(one.campaign());
    EXPECT_EQ(jobs::posterior_table(one.results()), "");
    EXPECT_FALSE(std::filesystem::exists(one.folder() / "posterior.csv"));
}
