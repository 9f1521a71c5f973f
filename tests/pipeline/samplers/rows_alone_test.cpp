// Row i of a batch of 4 equals its own run alone, for every method and preset, with a real network and keyed noise: one
// step at a time, each from the batch's state, at the tolerance of the golden vectors.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include "operators/make_operator.h"
#include "operators/measurement_noise.h"
#include "operators/poisson.h"
#include "pipeline/networks/model.h"
#include "pipeline/samplers/make_sampler.h"
#include "tests/support/paths.h"

namespace {

constexpr std::int64_t rows_together = 4;
const operators::Shape small_image{3, 16, 16};
const operators::NoiseStream all_noise(11);

struct MethodPoint {
    std::string method;
    std::vector<std::pair<std::string, operators::Value>> changes = {};
    std::string operator_name = "box";
    bool is_poisson = false;
};

std::string words(const MethodPoint& point) {
    std::string text = point.method + " on " + point.operator_name;
    for (const auto& [name, value] : point.changes) text += " " + name + "=" + operators::to_string(value);
    return text + (point.is_poisson ? " poisson" : "");
}

/// Images 3 … 6, all of them or one alone, with everything that is drawn for them.
struct Rows {
    Rows(const MethodPoint& point, std::vector<std::uint64_t> images, pipeline::Model& network)
        : schedule(point.changes.empty() ||
                           point.changes.front().second != operators::Value(std::string("norm_matched"))
                       ? pipeline::NoiseSchedule::linear(1000).respaced(pipeline::space_timesteps(1000, "20"))
                       : pipeline::NoiseSchedule::linear(1000)),
          noise(all_noise, images, std::vector<std::uint32_t>(images.size(), 0), small_image, at::kCPU),
          problem{
              .schedule = schedule, .predictor = network, .noise = noise, .variance = network.description().variance} {
        const at::Tensor truth =
            all_noise.normal({.purpose = operators::Purpose::guide, .sample = 9}, images, small_image)
                .mul(0.4)
                .clamp(-1, 1);
        const operators::OperatorEntry& entry = operators::find_operator(point.operator_name);
        operators::Settings settings = operators::Settings::defaults(entry.options);
        if (entry.resolve != nullptr) entry.resolve(settings, small_image);
        operators::Parameters parameters;
        if (entry.draw != nullptr) parameters = entry.draw(settings, small_image, all_noise, images);
        const std::shared_ptr<const operators::MeasurementOperator> A = entry.make(settings, small_image, parameters);
        problem.measurement = point.is_poisson ? operators::measure_poisson(A, truth, 1, all_noise, images, true)
                                               : operators::measure(A, truth, 0.05, all_noise, images, true);
        problem.truth = truth;

        const pipeline::MethodEntry& method = pipeline::find_method(point.method);
        operators::Settings own = operators::Settings::defaults(method.options);
        for (const auto& [name, value] : point.changes) own.set(name, value);
        if (method.resolve != nullptr) {
            method.resolve(own, {.operator_name = point.operator_name, .steps = 20, .original_steps = 1000});
        }
        sampler = method.make(own, problem);
    }

    pipeline::NoiseSchedule schedule;
    pipeline::KeyedNoise noise;
    pipeline::SamplingProblem problem;
    std::unique_ptr<pipeline::Sampler> sampler;
};

std::vector<MethodPoint> all_points() {
    const auto preset = [](const char* name) {
        return std::pair<std::string, operators::Value>("preset", std::string(name));
    };
    return {
        {"ddpm"},
        {"ddim"},
        {"ddim", {{"eta", 0.5}}},
        {"sdedit"},
        {"sdedit", {preset("original")}},
        {"sdedit", {}, "super_resolution"},
        {"forward_reverse", {{"t-start", std::int64_t{400}}}},
        {"score_ald", {preset("jalal")}, "motion_blur"},
        {"score_ald", {preset("poster")}},
        {"score_ald", {preset("norm_matched"), {"levels", std::int64_t{8}}, {"match", 1.0}}, "gaussian_blur"},
        {"dps", {{"zeta", 1.0}}},
        {"dps", {preset("paper"), {"zeta", 0.5}}, "motion_blur"},
        {"dps", {{"zeta", 0.2}, {"normalise", std::string("gradient")}}, "random"},
        {"dps", {{"zeta", 0.3}}, "colourisation"},
        {"dps", {{"zeta", 0.05}}, "box", true},
    };
}

}  // namespace

TEST(RowsAlone, EveryMethodAndPresetIsInTheList) {
    const std::vector<MethodPoint> points = all_points();
    for (const pipeline::MethodEntry& entry : pipeline::method_table()) {
        for (const operators::Option& option : entry.options) {
            if (option.name != "preset") continue;
            const std::string presets(option.words);
            for (std::size_t start = 0; start <= presets.size();) {
                const std::size_t end = std::min(presets.find('|', start), presets.size());
                const std::string preset = presets.substr(start, end - start);
                const bool is_default = preset == option.default_text;
                const bool is_listed = std::ranges::any_of(points, [&](const MethodPoint& point) {
                    const bool is_named =
                        !point.changes.empty() && point.changes.front().second == operators::Value(preset);
                    const bool is_plain =
                        is_default && (point.changes.empty() || point.changes.front().first != "preset");
                    return point.method == entry.name && (is_named || is_plain);
                });
                EXPECT_TRUE(is_listed) << entry.name << " " << preset;
                start = end + 1;
            }
        }
        EXPECT_TRUE(std::ranges::any_of(points, [&](const MethodPoint& p) { return p.method == entry.name; }))
            << entry.name;
    }
}

TEST(RowsAlone, EachStepOfARowIsThatOfItsOwnRun) {
    const c10::NoGradGuard no_gradient;
    pipeline::Model network(pipeline::describe_model(test_support::golden_folder() / "weights" / "gd_a.safetensors"));
    std::vector<std::uint64_t> images(rows_together);
    std::iota(images.begin(), images.end(), std::uint64_t{3});
    for (const MethodPoint& point : all_points()) {
        const Rows together(point, images, network);
        pipeline::SamplerState state = together.sampler->start();
        double worst = 0;
        for (const pipeline::Level& level : together.sampler->levels()) {
            const at::Tensor before = state.x_t;
            together.sampler->step(state, level, nullptr);
            // Four network calls a level: not all of them
            if (level.step % 5 != 0) continue;
            for (std::int64_t row = 0; row < rows_together; ++row) {
                const Rows alone(point, {images[static_cast<std::size_t>(row)]}, network);
                pipeline::SamplerState own{.x_t = before.narrow(0, row, 1), .tensors = {}};
                alone.sampler->step(own, level, nullptr);
                worst = std::max(worst, (own.x_t - state.x_t.narrow(0, row, 1)).abs().max().item<double>());
            }
        }
        EXPECT_LE(worst, point.method == "dps" ? 3e-4 : 3e-5) << words(point);
        EXPECT_EQ(
            (Rows(point, {images[2]}, network).sampler->start().x_t - together.sampler->start().x_t.narrow(0, 2, 1))
                .abs()
                .max()
                .item<double>(),
            0.0)
            << words(point);
    }
}
