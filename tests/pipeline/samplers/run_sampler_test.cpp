#include "pipeline/samplers/run_sampler.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/pipeline/samplers/oracle_chain.h"

namespace {

using gaussian_oracle::Chain;
using gaussian_oracle::run;
using gaussian_oracle::settings_of;

constexpr operators::Shape small{3, 4, 4};

pipeline::KeyedNoise noise_of(const std::vector<std::uint64_t>& images, const std::vector<std::uint32_t>& samples) {
    return {operators::NoiseStream(5), images, samples, small, at::kCPU};
}

/// A block of images, each row its own measurement.
pipeline::SamplingProblem problem_of(Chain& chain, const pipeline::NoiseSource& noise, const at::Tensor& y) {
    return {.schedule = chain.schedule,
            .predictor = chain.predictor,
            .noise = noise,
            .measurement = {y, std::make_shared<gaussian_oracle::Scaling>(0.8, small), 0.05},
            .truth = y};
}

at::Tensor measured(const std::vector<double>& values) {
    std::vector<at::Tensor> rows;
    for (const double value : values) rows.push_back(at::full({1, 3, 4, 4}, value));
    return at::cat(rows);
}

TEST(RunSampler, RowsOfABatchAreTheirOwnRunsAlone) {
    for (const pipeline::MethodEntry& entry : pipeline::method_table()) {
        Chain chain("20");
        const auto settings = settings_of(entry.name);
        const auto together = noise_of({3, 4, 9}, {0, 1, 0});
        const at::Tensor batch = run(entry.name, settings, problem_of(chain, together, measured({-0.5, 0.1, 0.8})));
        const std::vector<double> values = {-0.5, 0.1, 0.8};
        for (int row = 0; row < 3; ++row) {
            const auto alone = noise_of({std::vector<std::uint64_t>{3, 4, 9}[row]}, {row == 1 ? 1U : 0U});
            const at::Tensor single = run(entry.name, settings, problem_of(chain, alone, measured({values[row]})));
            EXPECT_TRUE(single[0].equal(batch[row])) << entry.name << ", row " << row;
        }
    }
}

TEST(RunSampler, DivergingRowIsNaNAndTheOthersAreAsTheyWere) {
    Chain chain("50");
    const auto noise = noise_of({0, 1, 2}, {0, 0, 0});
    for (const char* method : {"score_ald", "dps"}) {
        const at::Tensor good = measured({-0.5, 0.1, 0.8});
        at::Tensor bad = good.clone();
        bad[1][0][2][3] = std::numeric_limits<float>::infinity();
        const auto make = pipeline::find_method(method).make;
        const auto settings = settings_of(method);
        const auto expected = pipeline::run_sampler(*make(settings, problem_of(chain, noise, good)));
        const auto result = pipeline::run_sampler(*make(settings, problem_of(chain, noise, bad)));
        EXPECT_EQ(expected.diverged, (std::vector<bool>{false, false, false})) << method;
        EXPECT_EQ(result.diverged, (std::vector<bool>{false, true, false})) << method;
        EXPECT_TRUE(result.x0_hat[0].equal(expected.x0_hat[0])) << method;
        EXPECT_TRUE(result.x0_hat[2].equal(expected.x0_hat[2])) << method;
        EXPECT_TRUE(result.x0_hat[1].isnan().all().item().toBool()) << method;
    }
}

/// Row 0 is infinite after level 3 and finite again in the end.
class Relapsing final : public pipeline::Sampler {
  public:
    std::string_view name() const override { return "relapsing"; }
    std::vector<pipeline::Level> levels() const override { return std::vector<pipeline::Level>(40); }
    pipeline::SamplerState start() const override { return {.x_t = at::full({2, 1, 1, 1}, 0.0), .tensors = {}}; }
    void step(pipeline::SamplerState& state, const pipeline::Level&, pipeline::StepTrace*) const override {
        state.x_t = state.x_t + 1;
        const double count = state.tensors.contains("count") ? state.tensors["count"].item().toDouble() : 0;
        state.tensors["count"] = at::full({}, count + 1);
        state.x_t[0].fill_(count > 2 && count < 30 ? std::numeric_limits<double>::infinity() : 0.0);
    }
};

TEST(RunSampler, RowThatWasNotFiniteOnTheWayCountsAsDiverged) {
    const auto result = pipeline::run_sampler(Relapsing());
    EXPECT_EQ(result.diverged, (std::vector<bool>{true, false}));
    EXPECT_TRUE(std::isnan(result.x0_hat[0].item().toDouble()));
    EXPECT_EQ(result.x0_hat[1].item().toDouble(), 40);
}

TEST(RunSampler, ReportsEveryLevelAndCountsTheCallsThatThePlanForesaw) {
    for (const pipeline::MethodEntry& entry : pipeline::method_table()) {
        Chain chain("25");
        pipeline::CountingPredictor counting(chain.predictor, {});
        const auto noise = noise_of({0, 1}, {0, 0});
        const at::Tensor y = measured({0.1, 0.2});
        const pipeline::SamplingProblem problem{
            .schedule = chain.schedule,
            .predictor = counting,
            .noise = noise,
            .measurement = {y, std::make_shared<gaussian_oracle::Scaling>(0.8, small), 0.05},
            .truth = y};
        auto settings = settings_of(entry.name);
        if (entry.name == "sdedit") settings.set("repeats", std::int64_t{2});
        std::vector<std::pair<int, int>> reports;
        const auto result = pipeline::run_sampler(*entry.make(settings, problem),
                                                  [&](int done, int total) { reports.emplace_back(done, total); });
        const int planned = entry.network_calls(settings, chain.schedule);
        EXPECT_EQ(result.network_calls, planned) << entry.name;
        EXPECT_EQ(counting.calls(), planned) << entry.name;
        ASSERT_EQ(static_cast<int>(reports.size()), planned) << entry.name;
        EXPECT_EQ(reports.front(), std::make_pair(1, planned)) << entry.name;
        EXPECT_EQ(reports.back(), std::make_pair(planned, planned)) << entry.name;
    }
}

TEST(KeyedNoise, RowsDependOnTheirOwnImageAndSampleAlone) {
    const auto batch = noise_of({7, 7, 8, 7}, {0, 1, 1, 0}).normal(operators::Purpose::step, 40, 2);
    const auto alone = [](std::uint64_t image, std::uint32_t sample, int level, int inner) {
        return noise_of({image}, {sample}).normal(operators::Purpose::step, level, inner)[0];
    };
    EXPECT_TRUE(batch[0].equal(alone(7, 0, 40, 2)));
    EXPECT_TRUE(batch[1].equal(alone(7, 1, 40, 2)));
    EXPECT_TRUE(batch[2].equal(alone(8, 1, 40, 2)));
    EXPECT_TRUE(batch[3].equal(batch[0]));
    for (const at::Tensor& other : {alone(7, 1, 40, 2), alone(8, 0, 40, 2), alone(7, 0, 41, 2), alone(7, 0, 40, 1)}) {
        EXPECT_FALSE(batch[0].equal(other));
    }
}

TEST(KeyedNoise, RefusesImagesWithoutSamples) {
    EXPECT_THROW(noise_of({1, 2}, {0}), std::invalid_argument);
    EXPECT_THROW(noise_of({}, {}), std::invalid_argument);
}

}  // namespace
