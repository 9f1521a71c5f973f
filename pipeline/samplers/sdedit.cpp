#include "pipeline/samplers/sdedit.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include "pipeline/diffusion/forward_process.h"
#include "pipeline/samplers/ancestral_level.h"

namespace pipeline {

Sdedit::Sdedit(std::string_view name, const SamplingProblem& problem, at::Tensor guide, const SdeditSettings& settings)
    : name_(name),
      problem_(problem),
      numbers_(problem),
      guide_(std::move(guide)),
      settings_(settings),
      steps_(steps_below(name, settings.t_start, problem.schedule)) {
    check_variance(name, problem_);
}

std::vector<Level> Sdedit::levels() const {
    std::vector<Level> levels;
    for (int repeat = 0; repeat < settings_.repeats; ++repeat) {
        std::ranges::copy(levels_below(steps_, repeat), std::back_inserter(levels));
    }
    return levels;
}

SamplerState Sdedit::start() const {
    return {.x_t = noised_guide(guide_, 0), .tensors = {}};
}

void Sdedit::step(SamplerState& state, const Level& level, StepTrace* trace) const {
    // A further pass takes the output of the one before as its guide
    const bool begins_pass = level.step == steps_ - 1;
    if (begins_pass && level.repeat > 0) state.x_t = noised_guide(state.x_t, level.repeat);
    state.x_t = ddpm_step(problem_, numbers_, level, state.x_t, trace);
}

at::Tensor Sdedit::noised_guide(const at::Tensor& guide, int repeat) const {
    const int highest = steps_ - 1;
    const int timestep = problem_.schedule.timestep(highest);
    const at::Tensor z = problem_.noise.normal(operators::Purpose::guide, timestep, repeat).to(guide.options());
    return noised(problem_.schedule, highest, guide, z);
}

int steps_below(std::string_view method, int t_start, const NoiseSchedule& schedule) {
    const auto& timesteps = schedule.timesteps();
    const auto count = std::ranges::lower_bound(timesteps, t_start) - timesteps.begin();
    if (count == 0) {
        throw std::invalid_argument(std::string(method) + ".t-start: " + std::to_string(t_start) +
                                    " leaves nothing to run, the chain's lowest timestep is " +
                                    std::to_string(timesteps.front()) + "; expected more than that");
    }
    return static_cast<int>(count);
}

void resolve_t_start(std::string_view method, const operators::Settings& settings, const MethodContext& context) {
    const std::int64_t t_start = settings.integer("t-start");
    if (t_start < 1 || t_start > context.original_steps) {
        throw std::invalid_argument(std::string(method) + ".t-start: " + std::to_string(t_start) +
                                    " is not a level of the checkpoint, allowed are 1 to " +
                                    std::to_string(context.original_steps));
    }
}

void resolve_sdedit(operators::Settings& settings, const MethodContext& context) {
    resolve_t_start("sdedit", settings, context);
    if (settings.is_word("repeats", "auto")) {
        settings.set("repeats", std::int64_t{settings.is_word("preset", "original") ? 3 : 1});
    }
}

int sdedit_calls(const operators::Settings& settings, const NoiseSchedule& schedule) {
    const int steps = steps_below("sdedit", static_cast<int>(settings.integer("t-start")), schedule);
    return steps * static_cast<int>(settings.integer("repeats"));
}

std::unique_ptr<Sampler> make_sdedit(const operators::Settings& settings, const SamplingProblem& problem) {
    check_measurement("sdedit", problem);
    SamplingProblem own = problem;
    if (settings.is_word("preset", "original")) {
        own.variance = VarianceKind::fixed_small;
        own.clip = false;
    }
    const SdeditSettings sdedit{.t_start = static_cast<int>(settings.integer("t-start")),
                                .repeats = static_cast<int>(settings.integer("repeats"))};
    return std::make_unique<Sdedit>("sdedit", own, problem.measurement.A->as_image(problem.measurement.y), sdedit);
}

}  // namespace pipeline
