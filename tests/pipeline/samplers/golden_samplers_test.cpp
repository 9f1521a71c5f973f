#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/samplers/run_sampler.h"
#include "tests/pipeline/samplers/golden_samplers.h"

namespace {

using golden_samplers::Case;
using golden_samplers::difference;
using golden_samplers::expect_steps;
using golden_samplers::file;
using golden_samplers::number;
using golden_samplers::read_case;
using golden_samplers::text;

constexpr double one_step = 3e-5;
constexpr double one_dps_step = 3e-4;

operators::Settings settings_of(std::string_view method,
                                const std::vector<std::pair<std::string, operators::Value>>& changes = {}) {
    const pipeline::MethodEntry& entry = pipeline::find_method(method);
    operators::Settings settings = operators::Settings::defaults(entry.options);
    for (const auto& [name, value] : changes) settings.set(name, value);
    if (entry.resolve != nullptr) {
        entry.resolve(settings, {.operator_name = "mask", .steps = 1000, .original_steps = 1000});
    }
    return settings;
}

std::unique_ptr<pipeline::Sampler> sampler_of(std::string_view method, const operators::Settings& settings,
                                              const Case& golden) {
    return pipeline::find_method(method).make(settings, golden.problem());
}

TEST(GoldenSamplers, Ddpm) {
    const std::map<std::string, double> free_run = {
        {"fixed_large", 2e-5}, {"fixed_small", 2e-5}, {"learned_range", 3e-5}};
    ASSERT_EQ(file().children("ddpm").size(), free_run.size());
    for (const auto& [name, tolerance] : free_run) {
        const Case golden = read_case("ddpm/" + name);
        const auto sampler = sampler_of("ddpm", settings_of("ddpm"), golden);
        EXPECT_TRUE(sampler->start().x_t.equal(golden.x_start));
        expect_steps(golden, *sampler, one_step, tolerance);
        EXPECT_LE(difference(pipeline::run_sampler(*sampler).x0_hat, golden.x[-1]), tolerance);
    }
}

TEST(GoldenSamplers, Ddim) {
    ASSERT_EQ(file().children("ddim").size(), 3U);
    for (const std::string& name : file().children("ddim")) {
        const Case golden = read_case("ddim/" + name);
        const auto settings = settings_of("ddim", {{"eta", number(golden.group, "eta")}});
        expect_steps(golden, *sampler_of("ddim", settings, golden), one_step, 3e-5);
    }
}

TEST(GoldenSamplers, Sdedit) {
    const std::map<std::string, double> free_run = {{"guided_t200", 2e-5},     {"guided_t500", 2e-5},
                                                    {"guided_t30_full", 2e-5}, {"original_t200", 4e-5},
                                                    {"original_t500", 4e-5},   {"original_t30_full", 6e-5}};
    ASSERT_EQ(file().children("sdedit").size(), free_run.size());
    for (const auto& [name, tolerance] : free_run) {
        Case golden = read_case("sdedit/" + name);
        // "measurements/box/y"
        const std::string guide = text(golden.group, "guide");
        const auto first = guide.find('/') + 1;
        golden.measurement = golden_samplers::measurement(guide.substr(first, guide.rfind('/') - first), golden.rows);
        auto settings = settings_of("sdedit");
        settings.set("t-start", static_cast<std::int64_t>(number(golden.group, "t_star")));
        if (name.starts_with("original")) {
            // The preset brings its variance and leaves the clamp out; the stored run is a single pass
            settings.set("preset", std::string("original"));
            golden.variance = pipeline::VarianceKind::fixed_large;
            golden.clip = true;
        }
        const auto sampler = sampler_of("sdedit", settings, golden);
        EXPECT_EQ(sampler->levels().size(), number(golden.group, "steps")) << name;
        // Not closer: the original cumulates its betas in float32
        EXPECT_LE(difference(sampler->start().x_t, golden.x_start), one_step) << name;
        expect_steps(golden, *sampler, one_step, tolerance);
        EXPECT_LE(difference(pipeline::run_sampler(*sampler).x0_hat, golden.x[-1]), tolerance) << name;
    }
}

/// Norms and gradients of the stored states. Their own tolerance is the step's over the step size.
void expect_traces(const Case& golden, const pipeline::Sampler& sampler, double scale) {
    const at::Tensor distance = file().read(golden.group + "/distance");
    const at::Tensor gradient_norm = file().read(golden.group + "/gradient_norm");
    const at::Tensor gradient = file().read(golden.group + "/gradient");
    const auto steps =
        std::get<std::vector<std::int64_t>>(file().attribute(golden.group + "/gradient", "steps").value());
    for (std::int64_t k = 0; k < golden.x.size(0); ++k) {
        pipeline::SamplerState state{.x_t = golden.before(k), .tensors = {}};
        pipeline::StepTrace trace;
        sampler.step(state, golden.level(k), &trace);
        EXPECT_LE(difference(trace.residual_norm, distance[k]), one_dps_step) << golden.group << " step " << k;
        const at::Tensor norm = trace.gradient.to(at::kDouble).square().sum({1, 2, 3}).sqrt();
        EXPECT_LE(difference(norm, gradient_norm[k]), one_dps_step / scale) << golden.group << " step " << k;
        const auto stored = std::ranges::find(steps, k);
        if (stored == steps.end()) continue;
        EXPECT_LE(difference(trace.gradient.narrow(0, 0, 1), gradient[stored - steps.begin()]), one_dps_step / scale)
            << golden.group << " step " << k;
    }
}

TEST(GoldenSamplers, Dps) {
    // Free runs from pure noise are chaotic: box has one-step values only
    const std::map<std::string, double> free_run = {{"box", 0},
                                                    {"box_from_mid", 2e-5},
                                                    {"gaussian_blur", 2e-5},
                                                    {"gaussian_blur_large_mid", 2e-5},
                                                    {"motion_blur", 2e-4},
                                                    {"random", 7e-4},
                                                    {"random_tail", 2e-5}};
    ASSERT_EQ(file().children("dps").size(), free_run.size());
    for (const auto& [name, tolerance] : free_run) {
        const Case golden = read_case("dps/" + name);
        const double scale = number(golden.group, "scale");
        const auto sampler = sampler_of("dps", settings_of("dps", {{"zeta", scale}}), golden);
        expect_steps(golden, *sampler, one_dps_step, tolerance);
        expect_traces(golden, *sampler, scale);
    }
}

/// DPS with `fixed_small` and ζ = 1/√2, un-respaced: the states are stored beside a second implementation's.
class GoldenDpsFixedSmall : public testing::TestWithParam<const char*> {
  protected:
    Case chain(const std::string& part, int first_timestep) const {
        const std::string group = std::string("dps_fixed_small/") + GetParam() + "/" + part;
        Case golden{.group = group, .schedule = pipeline::NoiseSchedule::linear(1000)};
        golden.network = &golden_samplers::network(text(group, "net"));
        for (int t = first_timestep; t >= 0; --t) golden.timesteps.push_back(t);
        golden.noise = std::make_unique<golden_samplers::StoredNoise>(file().read("noise/x_T_small").narrow(0, 0, 1),
                                                                      file().read("noise/z_small").narrow(1, 0, 1),
                                                                      golden.timesteps);
        golden.measurement = golden_samplers::measurement(GetParam(), 1);
        return golden;
    }
    static std::unique_ptr<pipeline::Sampler> sampler(const Case& golden) {
        return sampler_of("dps", settings_of("dps", {{"zeta", number(golden.group, "scale")}}), golden);
    }
};

TEST_P(GoldenDpsFixedSmall, OneStep) {
    Case golden = chain("one_step", 999);
    const at::Tensor z = file().read("noise/z_small").narrow(1, 0, 1);
    const at::Tensor x_t = file().read(golden.group + "/x_t");
    const at::Tensor expected = file().read(golden.group + "/x_reference");
    const at::Tensor distance = file().read(golden.group + "/distance");
    const at::Tensor timesteps = file().read(golden.group + "/timesteps");
    double worst = 0;
    for (std::int64_t k = 0; k < x_t.size(0); ++k) {
        // Each is the first executed step of its own run and uses the first field
        const int t = static_cast<int>(timesteps[k].item().toLong());
        golden.noise = std::make_unique<golden_samplers::StoredNoise>(at::Tensor(), z, std::vector<int>{t});
        pipeline::SamplerState state{.x_t = x_t.narrow(0, k, 1), .tensors = {}};
        pipeline::StepTrace trace;
        sampler(golden)->step(state, {.step = t}, &trace);
        worst = std::max(worst, difference(state.x_t[0], expected[k]));
        EXPECT_LE(std::abs(trace.residual_norm[0].item().toDouble() - distance[k].item().toDouble()), one_dps_step);
    }
    EXPECT_LE(worst, one_dps_step);
    std::printf("  %-32s one step %.1e\n", golden.group.c_str(), worst);
}

TEST_P(GoldenDpsFixedSmall, FreeRunFromTheMiddle) {
    const Case golden = chain("from_t299", 299);
    const auto dps = sampler(golden);
    const at::Tensor steps = file().read(golden.group + "/steps");
    const at::Tensor expected = file().read(golden.group + "/x_reference");
    pipeline::SamplerState state{.x_t = file().read(golden.group + "/x_start"), .tensors = {}};
    std::int64_t stored = 0;
    double worst = 0;
    for (std::int64_t k = 0; k < 300; ++k) {
        dps->step(state, golden.level(k), nullptr);
        if (steps[stored].item().toLong() != k) continue;
        worst = std::max(worst, difference(state.x_t, expected[stored]));
        ++stored;
    }
    EXPECT_EQ(stored, steps.numel());
    EXPECT_LE(worst, one_dps_step);
    std::printf("  %-32s free run %.1e\n", golden.group.c_str(), worst);
}

INSTANTIATE_TEST_SUITE_P(BothOperators, GoldenDpsFixedSmall, testing::Values("box", "gaussian_blur"));

TEST(GoldenSamplers, ScoreAld) {
    ASSERT_EQ(file().children("score_ald").size(), 6U);
    for (const std::string& name : file().children("score_ald")) {
        Case golden = read_case("score_ald/" + name);
        golden.variance = pipeline::VarianceKind::learned_range;
        const std::string preset = name.substr(0, name.find('_'));
        const auto sampler = sampler_of("score_ald", settings_of("score_ald", {{"preset", preset}}), golden);
        EXPECT_TRUE(sampler->start().x_t.equal(golden.x_start)) << name;
        expect_steps(golden, *sampler, one_step, 0);

        const at::Tensor norms = file().read(golden.group + "/residual_norm");
        for (std::int64_t k = 0; k < golden.x.size(0); ++k) {
            pipeline::SamplerState state{.x_t = golden.before(k), .tensors = {}};
            pipeline::StepTrace trace;
            sampler->step(state, golden.level(k), &trace);
            EXPECT_LE(difference(trace.residual_norm / norms[k], norms[k] / norms[k]), 1e-5) << name << " step " << k;
        }
    }
}

TEST(GoldenSamplers, RowsOfADpsBatchAreTheirOwnRuns) {
    const Case golden = read_case("dps/box_from_mid");
    const auto dps = sampler_of("dps", settings_of("dps", {{"zeta", 0.5}}), golden);
    pipeline::SamplerState batch{.x_t = golden.x_start, .tensors = {}};
    dps->step(batch, golden.level(0), nullptr);
    for (std::int64_t row = 0; row < golden.rows; ++row) {
        Case alone = read_case("dps/box_from_mid");
        alone.noise = std::make_unique<golden_samplers::StoredNoise>(file().read("noise/x_T_small").narrow(0, row, 1),
                                                                     file().read("noise/z_small").narrow(1, row, 1),
                                                                     alone.timesteps);
        alone.measurement.y = alone.measurement.y.narrow(0, row, 1);
        pipeline::SamplerState state{.x_t = golden.x_start.narrow(0, row, 1), .tensors = {}};
        sampler_of("dps", settings_of("dps", {{"zeta", 0.5}}), alone)->step(state, golden.level(0), nullptr);
        EXPECT_LE(difference(state.x_t[0], batch.x_t[row]), 1e-5) << "row " << row;
    }
}

}  // namespace
