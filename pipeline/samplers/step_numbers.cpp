#include "pipeline/samplers/step_numbers.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "pipeline/diffusion/forward_process.h"

namespace pipeline {

namespace {

constexpr int columns = 6;

/// s₀ and s₁ of σ_t.
std::pair<double, double> sigma_numbers(const NoiseSchedule& schedule, int step, VarianceKind variance) {
    switch (variance) {
        case VarianceKind::fixed_small:
            return {step == 0 ? 0.0 : std::sqrt(schedule.posterior_variance(step)), 0.0};
        case VarianceKind::fixed_large:
            return {step == 0 ? 0.0 : std::exp(0.5 * schedule.log_variance_fixed_large(step)), 0.0};
        case VarianceKind::learned_range: {
            if (step == 0) return {-std::numeric_limits<double>::infinity(), 0.0};
            // log σ_t² = f log β_t + (1−f) log β̃_t with f = (v+1)/2: log σ_t is a line in v
            const double log_large = std::log(schedule.beta(step));
            const double log_small = schedule.posterior_log_variance_clipped(step);
            return {0.25 * (log_large + log_small), 0.25 * (log_large - log_small)};
        }
    }
    throw std::invalid_argument("variance: not a kind of variance");
}

}  // namespace

StepNumbers::StepNumbers(const NoiseSchedule& schedule, VarianceKind variance, at::Device device)
    : schedule_(schedule) {
    const std::int64_t size = schedule.size();
    const at::Tensor table = at::empty({size, columns}, at::kDouble), timesteps = at::empty({size}, at::kDouble);
    auto* number = table.mutable_data_ptr<double>();
    auto* timestep = timesteps.mutable_data_ptr<double>();
    for (int step = 0; step < size; ++step) {
        const CleanEstimateFactors clean = clean_estimate_factors(schedule, step);
        const auto [s0, s1] = sigma_numbers(schedule, step, variance);
        for (const double value :
             {clean.x_t, clean.epsilon, schedule.posterior_mean_x0(step), schedule.posterior_mean_xt(step), s0, s1}) {
            *number++ = value;
        }
        *timestep++ = schedule.timestep(step);
    }
    table_ = table.to(device);
    timesteps_ = timesteps.to(device);
    noise_levels_ = timesteps_.to(at::kLong);
    steps_ = at::arange(size, at::TensorOptions().dtype(at::kLong)).to(device);
}

at::Tensor StepNumbers::row(const Level& level) const {
    return level.place.defined() ? level.place : steps_.select(0, level.step);
}

Timestep StepNumbers::timestep(const Level& level) const {
    if (level.place.defined()) return Timestep::on_device(at_row(timesteps_, level.place));
    return schedule_.timestep(level.step);
}

at::Tensor StepNumbers::noise_level(const Level& level) const {
    return level.place.defined() ? at_row(noise_levels_, level.place) : noise_levels_.select(0, level.step);
}

std::vector<at::Tensor> step_tensors(const SamplingProblem& problem, const StepNumbers& numbers) {
    std::vector<at::Tensor> all = numbers.tensors();
    std::ranges::copy(problem.noise.tensors(), std::back_inserter(all));
    if (problem.measurement.A == nullptr) return all;
    all.push_back(problem.measurement.y);
    std::ranges::copy(problem.measurement.A->tensors(), std::back_inserter(all));
    return all;
}

at::Tensor at_row(const at::Tensor& table, const at::Tensor& row) {
    return table.index_select(0, row.view(1)).squeeze(0);
}

}  // namespace pipeline
