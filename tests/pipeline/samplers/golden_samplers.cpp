#include "tests/pipeline/samplers/golden_samplers.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>
#include <algorithm>
#include <cstdio>
#include <utility>

#include "operators/make_operator.h"
#include "tests/support/paths.h"

namespace golden_samplers {

StoredNoise::StoredNoise(at::Tensor x_T, at::Tensor z, const std::vector<int>& timesteps)
    : x_T_(std::move(x_T)), z_(std::move(z)) {
    for (std::size_t k = 0; k < timesteps.size(); ++k) {
        field_of_timestep_[timesteps[k]] = static_cast<std::int64_t>(k) % z_.size(0);
    }
}

at::Tensor StoredNoise::normal(operators::Purpose purpose, int level, int inner) const {
    EXPECT_EQ(inner, 0);
    if (purpose != operators::Purpose::step) return x_T_;
    EXPECT_NE(level, 0) << "the last step adds no noise and draws none";
    return z_[field_of_timestep_.at(level)];
}

pipeline::SamplingProblem Case::problem() const {
    return {.schedule = schedule,
            .predictor = *network,
            .noise = *noise,
            .variance = variance,
            .clip = clip,
            .measurement = measurement,
            .truth = {}};
}

pipeline::Level Case::level(std::int64_t k) const {
    const auto& all = schedule.timesteps();
    const auto found = std::ranges::find(all, timesteps[static_cast<std::size_t>(k)]);
    return {.step = static_cast<int>(found - all.begin())};
}

const pipeline::Hdf5File& file() {
    static const auto opened = pipeline::Hdf5File::open(test_support::golden_folder() / "samplers.h5");
    return opened;
}

bool has(const std::string& group, const std::string& attribute) {
    return file().attribute(group, attribute).has_value();
}

std::string text(const std::string& group, const std::string& attribute) {
    return std::get<std::string>(file().attribute(group, attribute).value());
}

double number(const std::string& group, const std::string& attribute) {
    const pipeline::Hdf5Attribute value = file().attribute(group, attribute).value();
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
    return std::get<double>(value);
}

pipeline::Model& network(const std::string& name) {
    static std::map<std::string, std::unique_ptr<pipeline::Model>> loaded;
    auto& model = loaded[name];
    if (model == nullptr) {
        const auto weights = test_support::golden_folder() / "weights" / (name + ".safetensors");
        model = std::make_unique<pipeline::Model>(pipeline::describe_model(weights));
    }
    return *model;
}

operators::Measurement measurement(const std::string& name, std::int64_t rows) {
    const std::string group = "measurements/" + name;
    const at::Tensor y = file().read(group + "/y").narrow(0, 0, rows);
    const operators::Shape shape{y.size(1), y.size(2), y.size(3)};
    const std::string parameter = file().has(group + "/mask") ? "mask" : "kernel";
    const operators::Parameters parameters = {{parameter, file().read(group + "/" + parameter)}};
    return {y, operators::find_operator(parameter).make({}, shape, parameters), number(group, "sigma")};
}

Case read_case(const std::string& group) {
    const auto base = pipeline::NoiseSchedule::linear(1000);
    Case golden{.group = group, .schedule = base.respaced(pipeline::space_timesteps(1000, text(group, "respacing")))};
    golden.network = &network(text(group, "net"));
    golden.x = file().read(group + "/x");
    golden.rows = golden.x.size(1);
    const at::Tensor timesteps = file().read(group + "/timesteps").contiguous();
    golden.timesteps.assign(timesteps.const_data_ptr<std::int64_t>(),
                            timesteps.const_data_ptr<std::int64_t>() + timesteps.numel());

    // "noise/z_small" goes with "noise/x_T_small"
    const std::string z = text(group, "noise");
    const std::string x_T = "noise/x_T_" + z.substr(z.rfind('_') + 1);
    const at::Tensor x_T_rows = file().read(x_T).narrow(0, 0, golden.rows);
    golden.noise = std::make_unique<StoredNoise>(x_T_rows, file().read(z).narrow(1, 0, golden.rows), golden.timesteps);

    golden.x_start = file().has(group + "/x_start") ? file().read(group + "/x_start") : x_T_rows;
    if (has(group, "measurement")) {
        const std::string name = text(group, "measurement");
        golden.measurement = measurement(name.substr(name.rfind('/') + 1), golden.rows);
    }
    if (has(group, "variance")) golden.variance = pipeline::parse_variance(text(group, "variance"));
    if (has(group, "clip_denoised")) golden.clip = number(group, "clip_denoised") != 0;
    return golden;
}

double difference(const at::Tensor& a, const at::Tensor& b) {
    return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item().toDouble();
}

void expect_steps(const Case& golden, const pipeline::Sampler& sampler, double one_step, double free_run) {
    double worst = 0;
    double farthest = 0;
    pipeline::SamplerState running{.x_t = golden.x_start, .tensors = {}};
    for (std::int64_t k = 0; k < golden.x.size(0); ++k) {
        pipeline::SamplerState state{.x_t = golden.before(k), .tensors = {}};
        sampler.step(state, golden.level(k), nullptr);
        worst = std::max(worst, difference(state.x_t, golden.x[k]));
        if (free_run > 0) {
            sampler.step(running, golden.level(k), nullptr);
            farthest = std::max(farthest, difference(running.x_t, golden.x[k]));
        }
    }
    EXPECT_LE(worst, one_step) << golden.group << ": one step";
    if (free_run > 0) {
        EXPECT_LE(farthest, free_run) << golden.group << ": free run";
    }
    std::printf("  %-32s one step %.1e (%.0e), free run %.1e (%.0e)\n", golden.group.c_str(), worst, one_step, farthest,
                free_run);
}

}  // namespace golden_samplers
