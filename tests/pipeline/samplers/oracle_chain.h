#pragma once

#include <string>
#include <string_view>

#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/run_sampler.h"
#include "tests/pipeline/samplers/gaussian_oracle.h"

namespace gaussian_oracle {

/// A chain of the linear T = 1000 schedule with more than 10⁵ values, all alike, run in float32 as the program runs.
struct Chain {
    explicit Chain(std::string_view respacing, Predictor with = Predictor(Prior{}))
        : schedule(pipeline::NoiseSchedule::linear(1000).respaced(pipeline::space_timesteps(1000, respacing))),
          predictor(with) {}

    static constexpr operators::Shape shape{3, 72, 72};
    static constexpr std::int64_t batch = 8;

    pipeline::NoiseSchedule schedule;
    Predictor predictor;
    pipeline::KeyedNoise noise = keyed_noise(batch, shape);

    /// Unclipped, so that every step is affine.
    pipeline::SamplingProblem problem() {
        return {.schedule = schedule, .predictor = predictor, .noise = noise, .clip = false};
    }

    double alpha_bar(int step) const { return alpha_bars()[schedule.timestep(step)]; }
    double alpha_bar_previous(int step) const { return step == 0 ? 1.0 : alpha_bar(step - 1); }
    Ancestral ancestral(int step) const {
        return gaussian_oracle::ancestral(Prior{}, alpha_bar(step), alpha_bar_previous(step));
    }
};

/// Settings of a method: its defaults, some replaced, `auto` resolved.
inline operators::Settings settings_of(std::string_view method,
                                       const std::vector<std::pair<std::string, operators::Value>>& changes = {},
                                       pipeline::MethodContext context = {
                                           .operator_name = "identity", .steps = 1000, .original_steps = 1000}) {
    const pipeline::MethodEntry& entry = pipeline::find_method(method);
    operators::Settings settings = operators::Settings::defaults(entry.options);
    for (const auto& [name, value] : changes) settings.set(name, value);
    if (entry.resolve != nullptr) entry.resolve(settings, context);
    return settings;
}

/// Makes and runs a method.
inline at::Tensor run(std::string_view method, const operators::Settings& settings,
                      const pipeline::SamplingProblem& problem) {
    return pipeline::run_sampler(*pipeline::find_method(method).make(settings, problem)).x0_hat;
}

}  // namespace gaussian_oracle
