#include "pipeline/samplers/norm_matched.h"

#include <cmath>
#include <stdexcept>
#include <string>

#include <ATen/TensorOperators.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "pipeline/samplers/ancestral_level.h"

namespace pipeline {

namespace {

// Published for images on [0, 1]; twice that on [−1, 1].
constexpr double published_first = 2 * 232.0;
constexpr double published_last = 2 * 0.0066;
constexpr int published_levels = 2311;

at::Tensor per_image_factor(const at::Tensor& factor, const at::Tensor& like) {
    return factor.to(like.scalar_type()).view({-1, 1, 1, 1});
}

}  // namespace

NormMatched::NormMatched(const SamplingProblem& problem, const NormMatchedSettings& settings)
    : problem_(problem), settings_(settings) {
    check_measurement(name(), problem_);
    const NoiseSchedule& schedule = problem_.schedule;
    const double noisiest = sigma(settings_.levels - 1);
    if (schedule.sigma(0) > published_last || schedule.sigma(schedule.size() - 1) < noisiest) {
        throw std::invalid_argument(
            "score_ald.preset: norm_matched runs noise levels from " + std::to_string(noisiest) + " to " +
            std::to_string(published_last) + ", the chain has " + std::to_string(schedule.sigma(schedule.size() - 1)) +
            " to " + std::to_string(schedule.sigma(0)) + "; allowed: chains that hold them, such as all steps");
    }
}

std::vector<Level> NormMatched::levels() const {
    std::vector<Level> levels;
    for (int level = settings_.levels - 1; level >= 0; --level) {
        levels.push_back({.step = level, .network_calls = settings_.inner});
    }
    return levels;
}

double NormMatched::sigma(int level) const {
    const double ratio = std::log(published_first / published_last) / (published_levels - 1);
    return published_last * std::exp(ratio * level);
}

double NormMatched::timestep(double sigma) const {
    const NoiseSchedule& schedule = problem_.schedule;
    int above = 1;
    while (above + 1 < schedule.size() && schedule.sigma(above) < sigma) ++above;
    const double low = std::log(schedule.sigma(above - 1)), high = std::log(schedule.sigma(above));
    const double fraction = (std::log(sigma) - low) / (high - low);
    return schedule.timestep(above - 1) + fraction * (schedule.timestep(above) - schedule.timestep(above - 1));
}

SamplerState NormMatched::start() const {
    // Uniform in [−1, 1] by the normal's own distribution function: 2 Φ(z) − 1 = erf(z/√2)
    const at::Tensor z = problem_.noise.normal(operators::Purpose::start, settings_.levels, 0);
    return {.x_t = at::erf(z.div(std::sqrt(2.0))), .tensors = {}};
}

void NormMatched::step(SamplerState& state, const Level& level, StepTrace* trace) const {
    const at::Tensor& y = problem_.measurement.y;
    const operators::MeasurementOperator* A = problem_.measurement.A.get();
    const double noise_level = sigma(level.step);
    const double root_alpha_bar = 1.0 / std::sqrt(1.0 + noise_level * noise_level);
    const double t = timestep(noise_level);
    const double relative = noise_level / published_last;
    const double h = 4 * settings_.step_size * relative * relative;

    for (int inner = 0; inner < settings_.inner; ++inner) {
        const at::Tensor& u = state.x_t;
        const at::Tensor s = problem_.predictor.predict(u.mul(root_alpha_bar), t).epsilon.div(-noise_level);

        const at::Tensor residual = A->forward(u).sub(y);
        const at::Tensor g = A->vjp(u, residual);
        const at::Tensor length = norm_per_image(g);
        const at::Tensor pull =
            at::where(length == 0, at::zeros_like(length), norm_per_image(s) * settings_.match / length);
        const at::Tensor direction = s - g * per_image_factor(pull * settings_.lambda, g);

        const at::Tensor z = problem_.noise.normal(operators::Purpose::step, level.step, inner).to(u.options());
        if (trace != nullptr) trace->residual_norm = norm_per_image(residual);
        state.x_t = u + direction * h + z * std::sqrt(2 * h);
    }
}

}  // namespace pipeline
