// Steps that are captured once and replayed at every level, with a record that keeps the step's work and does it again
// at each replay: what it reads of its level it finds in tensors alone, so the same code does on a GPU.
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "operators/blur.h"
#include "operators/inpainting.h"
#include "tests/pipeline/samplers/oracle_chain.h"

namespace {

using gaussian_oracle::Chain;
using gaussian_oracle::settings_of;

constexpr operators::Shape captured_shape{3, 6, 5};

struct Counts {
    int graphs = 0, captures = 0, replays = 0, network_calls = 0;
    std::string refusal;
};

class KeptWork final : public pipeline::StepGraph {
  public:
    KeptWork(Counts& counts, bool refuses) : counts_(counts), refuses_(refuses) { ++counts.graphs; }
    void warm_up(const std::function<void()>& work) override { work(); }
    void capture(const std::function<void()>& step) override {
        if (refuses_) throw std::runtime_error("not today");
        ++counts_.captures;
        step_ = step;
    }
    void replay() override {
        ++counts_.replays;
        step_();
    }

  private:
    Counts& counts_;
    bool refuses_;
    std::function<void()> step_;
};

pipeline::StepCapture kept_work(Counts& counts, bool refuses = false) {
    return {.make = [&counts, refuses] { return std::make_unique<KeptWork>(counts, refuses); },
            .on_replay = [&counts](int calls) { counts.network_calls += calls; },
            .on_refusal = [&counts](const std::string& reason) { counts.refusal = reason; }};
}

struct CapturedRun {
    CapturedRun(std::string_view method, const std::vector<std::pair<std::string, operators::Value>>& changes,
                pipeline::VarianceKind variance, std::uint64_t first_image = 3,
                std::shared_ptr<const operators::MeasurementOperator> A = nullptr)
        : chain("12", gaussian_oracle::Predictor(gaussian_oracle::Prior{}, 0.3)),
          noise(operators::NoiseStream(5), {first_image, first_image + 1, first_image + 6}, {0, 1, 0}, captured_shape,
                at::kCPU) {
        if (A == nullptr) A = std::make_shared<gaussian_oracle::Scaling>(0.8, captured_shape);
        y = A->forward(noise.normal(operators::Purpose::measurement, 0, 0).mul_(0.3));
        const pipeline::SamplingProblem problem{.schedule = chain.schedule,
                                                .predictor = chain.predictor,
                                                .noise = noise,
                                                .variance = variance,
                                                .measurement = {y, A, 0.05},
                                                .truth = y};
        sampler = pipeline::find_method(method).make(settings_of(method, changes), problem);
    }

    Chain chain;
    pipeline::KeyedNoise noise;
    at::Tensor y;
    std::unique_ptr<pipeline::Sampler> sampler;
};

struct CapturedMethod {
    std::string method;
    std::vector<std::pair<std::string, operators::Value>> changes = {};
};

const std::vector<CapturedMethod> captured_methods = {{"ddpm"},
                                                      {"sdedit", {{"t-start", std::int64_t{700}}}},
                                                      {"forward_reverse", {{"t-start", std::int64_t{700}}}},
                                                      {"score_ald"},
                                                      {"score_ald", {{"preset", std::string("poster")}}},
                                                      {"dps"},
                                                      {"dps", {{"normalise", std::string("gradient")}, {"zeta", 0.2}}}};

TEST(Capture, ReplaysGiveTheBitsOfStepsForEveryMethodAndVariance) {
    for (const auto variance : {pipeline::VarianceKind::fixed_small, pipeline::VarianceKind::fixed_large,
                                pipeline::VarianceKind::learned_range}) {
        for (const CapturedMethod& point : captured_methods) {
            const CapturedRun run(point.method, point.changes, variance);
            const auto plain = pipeline::run_sampler(*run.sampler);
            Counts counts;
            const auto replayed = pipeline::run_sampler(*run.sampler, {}, kept_work(counts));
            EXPECT_TRUE(replayed.x0_hat.equal(plain.x0_hat)) << point.method;
            const int levels = static_cast<int>(run.sampler->levels().size());
            EXPECT_EQ(counts.captures, 1) << point.method;
            EXPECT_EQ(counts.replays, levels - 3) << point.method;
            EXPECT_EQ(counts.network_calls, levels - 3) << point.method;
            EXPECT_EQ(replayed.network_calls, plain.network_calls) << point.method;
        }
    }
}

/// Operators that hold something of their images: masks, kernels of each image's own, one that is a product.
std::vector<std::shared_ptr<const operators::MeasurementOperator>> operators_of(int unit) {
    const auto drawn = [unit](std::vector<std::int64_t> shape, int which) {
        const operators::Shape all{shape[1], shape[2], shape[3]};
        std::vector<std::uint64_t> images(static_cast<std::size_t>(shape[0]));
        for (std::size_t i = 0; i < images.size(); ++i) images[i] = 100 * static_cast<std::size_t>(unit) + i;
        return operators::NoiseStream(static_cast<std::uint64_t>(which))
            .normal({.purpose = operators::Purpose::mask}, images, all, at::kCPU);
    };
    const at::Tensor column = drawn({1, 1, 1, 3}, 3).view({3, 1}), row = drawn({1, 1, 1, 3}, 4).view({1, 3});
    return {
        std::make_shared<operators::Inpainting>("mask", (drawn({3, 1, 6, 5}, 1) > 0).to(at::kFloat), captured_shape),
        std::make_shared<operators::Blur>("kernel", drawn({3, 1, 3, 3}, 2), captured_shape),
        std::make_shared<operators::Blur>("gaussian_blur", column.matmul(row), captured_shape)};
}

TEST(Capture, StepOfOneUnitIsReplayedForTheNextWithItsOwnNumbers) {
    for (std::size_t which = 0; which < operators_of(1).size(); ++which) {
        for (const CapturedMethod& point : captured_methods) {
            const auto variance = pipeline::VarianceKind::fixed_small;
            const CapturedRun first(point.method, point.changes, variance, 3, operators_of(1)[which]);
            const CapturedRun second(point.method, point.changes, variance, 40, operators_of(2)[which]);
            const auto first_alone = pipeline::run_sampler(*first.sampler);
            const auto second_alone = pipeline::run_sampler(*second.sampler);

            Counts counts;
            pipeline::StepShelf shelf;
            pipeline::StepCapture capture = kept_work(counts);
            capture.shelf = &shelf;
            capture.name = "the same";
            EXPECT_TRUE(pipeline::run_sampler(*first.sampler, {}, capture).x0_hat.equal(first_alone.x0_hat));
            counts.network_calls = 0;
            const auto after = pipeline::run_sampler(*second.sampler, {}, capture);
            EXPECT_TRUE(after.x0_hat.equal(second_alone.x0_hat)) << point.method << " " << which;
            EXPECT_EQ(counts.captures, 1) << point.method;
            // From the first level on.
            EXPECT_EQ(counts.network_calls, static_cast<int>(second.sampler->levels().size())) << point.method;
            EXPECT_EQ(after.network_calls, second_alone.network_calls);

            // Another name, another step; the first run's tensors are the second's by now.
            capture.name = "another";
            const CapturedRun again(point.method, point.changes, variance, 3, operators_of(1)[which]);
            EXPECT_TRUE(pipeline::run_sampler(*again.sampler, {}, capture).x0_hat.equal(first_alone.x0_hat));
            EXPECT_EQ(counts.captures, 2) << point.method;
        }
    }
}

TEST(Capture, StepOfOtherShapesIsNotReplayed) {
    Counts counts;
    pipeline::StepShelf shelf;
    pipeline::StepCapture capture = kept_work(counts);
    capture.shelf = &shelf;
    const auto variance = pipeline::VarianceKind::fixed_small;
    const CapturedRun own_kernels("dps", {}, variance, 3, operators_of(1)[1]),
        mask("dps", {}, variance, 3, operators_of(1)[0]);
    pipeline::run_sampler(*own_kernels.sampler, {}, capture);
    const auto result = pipeline::run_sampler(*mask.sampler, {}, capture);
    EXPECT_EQ(counts.captures, 2);
    EXPECT_TRUE(result.x0_hat.equal(pipeline::run_sampler(*mask.sampler).x0_hat));
}

TEST(Capture, WhatCannotBeCapturedRunsStepByStep) {
    const std::vector<CapturedMethod> others = {{"ddim"}, {"sdedit", {{"repeats", std::int64_t{2}}}}};
    for (const CapturedMethod& point : others) {
        const CapturedRun run(point.method, point.changes, pipeline::VarianceKind::fixed_small);
        Counts counts;
        const auto result = pipeline::run_sampler(*run.sampler, {}, kept_work(counts));
        EXPECT_EQ(counts.graphs, 0) << point.method;
        EXPECT_TRUE(result.x0_hat.equal(pipeline::run_sampler(*run.sampler).x0_hat)) << point.method;
    }
}

TEST(Capture, RefusedCaptureIsReportedAndTheRunGoesOn) {
    const CapturedRun run("dps", {}, pipeline::VarianceKind::fixed_small);
    Counts counts;
    const auto result = pipeline::run_sampler(*run.sampler, {}, kept_work(counts, true));
    EXPECT_EQ(counts.refusal, "not today");
    EXPECT_EQ(counts.replays, 0);
    EXPECT_TRUE(result.x0_hat.equal(pipeline::run_sampler(*run.sampler).x0_hat));
}

TEST(Capture, RowThatIsNotFiniteOnTheWayCountsAsDiverged) {
    CapturedRun run("dps", {}, pipeline::VarianceKind::fixed_small);
    run.y[1][0][2][3] = std::numeric_limits<float>::infinity();
    Counts counts;
    const auto result = pipeline::run_sampler(*run.sampler, {}, kept_work(counts));
    EXPECT_EQ(result.diverged, (std::vector<bool>{false, true, false}));
}

}  // namespace
