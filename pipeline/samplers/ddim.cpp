#include "pipeline/samplers/ddim.h"

#include <algorithm>
#include <cmath>

#include "pipeline/diffusion/forward_process.h"
#include "pipeline/samplers/ancestral_level.h"

namespace pipeline {

Ddim::Ddim(const SamplingProblem& problem, const DdimSettings& settings)
    : problem_(problem), numbers_(problem), settings_(settings) {}

std::vector<Level> Ddim::levels() const {
    return levels_below(problem_.schedule.size());
}

SamplerState Ddim::start() const {
    return {.x_t = pure_noise(problem_), .tensors = {}};
}

void Ddim::step(SamplerState& state, const Level& level, StepTrace* trace) const {
    const NoiseSchedule& schedule = problem_.schedule;
    const int t = level.step;
    const double alpha_bar = schedule.alpha_bar(t);
    const double alpha_bar_previous = schedule.alpha_bar_previous(t);
    const at::Tensor& x_t = state.x_t;

    // x̂₀, and the ε that goes with it
    const Prediction prediction = problem_.predictor.predict(x_t, schedule.timestep(t));
    const at::Tensor x0_hat = clipped(problem_, clean_estimate(schedule, t, x_t, prediction.epsilon));
    if (trace != nullptr) trace->x0_hat = x0_hat;
    const CleanEstimateFactors factor = clean_estimate_factors(schedule, t);
    const at::Tensor epsilon = x_t.mul(factor.x_t).sub_(x0_hat).div_(factor.epsilon);

    const double s_t = settings_.eta * std::sqrt((1.0 - alpha_bar_previous) / (1.0 - alpha_bar)) *
                       std::sqrt(1.0 - alpha_bar / alpha_bar_previous);
    // With η = 1 at step 1 rounding may put the root's argument below 0.
    const double direction = std::sqrt(std::max(0.0, 1.0 - alpha_bar_previous - s_t * s_t));

    at::Tensor x_previous = x0_hat.mul(std::sqrt(alpha_bar_previous)).add_(epsilon, direction);
    if (t > 0 && s_t > 0) x_previous.add_(step_noise(problem_, numbers_, level, x_t), s_t);
    state.x_t = x_previous;
}

std::unique_ptr<Sampler> make_ddim(const operators::Settings& settings, const SamplingProblem& problem) {
    return std::make_unique<Ddim>(problem, DdimSettings{.eta = settings.real("eta")});
}

}  // namespace pipeline
