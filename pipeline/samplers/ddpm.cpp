#include "pipeline/samplers/ddpm.h"

#include "pipeline/samplers/ancestral_level.h"

namespace pipeline {

Ddpm::Ddpm(const SamplingProblem& problem) : problem_(problem), numbers_(problem) {
    check_variance(name(), problem_);
}

std::vector<Level> Ddpm::levels() const {
    return levels_below(problem_.schedule.size());
}

SamplerState Ddpm::start() const {
    return {.x_t = pure_noise(problem_), .tensors = {}};
}

void Ddpm::step(SamplerState& state, const Level& level, StepTrace* trace) const {
    state.x_t = ddpm_step(problem_, numbers_, level, state.x_t, trace);
}

int whole_chain_calls(const operators::Settings&, const NoiseSchedule& schedule) {
    return schedule.size();
}

std::unique_ptr<Sampler> make_ddpm(const operators::Settings&, const SamplingProblem& problem) {
    return std::make_unique<Ddpm>(problem);
}

}  // namespace pipeline
