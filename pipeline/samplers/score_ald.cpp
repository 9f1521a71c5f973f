#include "pipeline/samplers/score_ald.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/samplers/ancestral_level.h"
#include "pipeline/samplers/norm_matched.h"

namespace pipeline {

ScoreAld::ScoreAld(const SamplingProblem& problem, const ScoreAldSettings& settings)
    : problem_(problem), numbers_(problem), settings_(settings) {
    check_variance(name(), problem_);
    check_measurement(name(), problem_);
    // γ is linear or falling, so that it is smallest at the last step.
    if (problem_.measurement.sigma_y == 0 && !problem_.measurement.sigma_each.defined() &&
        (gamma(0) == 0 || gamma(problem_.schedule.size() - 1) == 0)) {
        throw std::invalid_argument("score_ald.gamma-last: 0 with sigma-y = 0 divides by zero, expected more than 0");
    }
    set_pulls();
}

void ScoreAld::set_pulls() {
    const NoiseSchedule& schedule = problem_.schedule;
    const at::Tensor& sigma_each = problem_.measurement.sigma_each;
    const double sigma_y = problem_.measurement.sigma_y;
    const bool is_jalal = settings_.rule == ScoreAldRule::jalal;
    std::vector<double> inverse_roots, pulls, weights, gammas;
    for (int t = 0; t < schedule.size(); ++t) {
        const double inverse_root = is_jalal ? 1.0 / std::sqrt(schedule.alpha_bar(t)) : 1.0;
        // du_t/dx_t and DDPM's weight of a score, over the likelihood's variance
        const double weight = is_jalal ? schedule.beta(t) / std::sqrt(schedule.alpha(t)) * inverse_root : 1.0;
        const double variance = sigma_y * sigma_y + gamma(t) * gamma(t);
        inverse_roots.push_back(inverse_root);
        pulls.push_back(settings_.lambda * weight / variance);
        weights.push_back(settings_.lambda * weight);
        gammas.push_back(gamma(t));
    }
    inverse_roots_ = at::tensor(inverse_roots, at::kDouble).to(problem_.device);
    pulls_ = at::tensor(pulls, at::kDouble).to(problem_.device);
    if (!sigma_each.defined()) return;
    // [T, N, 1, 1, 1]: each image by its own noise
    const at::Tensor w = at::tensor(weights, at::kDouble).view({-1, 1}).to(problem_.device);
    const at::Tensor g = at::tensor(gammas, at::kDouble).view({-1, 1}).to(problem_.device);
    const at::Tensor of_each = w / (sigma_each.view({1, -1}).square() + g.square());
    pulls_ = of_each.view({of_each.size(0), of_each.size(1), 1, 1, 1}).to(at::kFloat);
}

std::vector<Level> ScoreAld::levels() const {
    return levels_below(problem_.schedule.size());
}

std::vector<at::Tensor> ScoreAld::tensors() const {
    std::vector<at::Tensor> all = step_tensors(problem_, numbers_);
    all.push_back(inverse_roots_);
    all.push_back(pulls_);
    return all;
}

SamplerState ScoreAld::start() const {
    return {.x_t = pure_noise(problem_), .tensors = {}};
}

void ScoreAld::step(SamplerState& state, const Level& level, StepTrace* trace) const {
    const at::Tensor& y = problem_.measurement.y;
    const operators::MeasurementOperator* A = problem_.measurement.A.get();
    const at::Tensor t = numbers_.row(level);

    // ∇½‖A x − y‖² at u_t = x_t/√ᾱ_t (`jalal`) or at x_t itself (`poster`)
    const bool is_jalal = settings_.rule == ScoreAldRule::jalal;
    const at::Tensor x = is_jalal ? state.x_t * at_row(inverse_roots_, t) : state.x_t;
    const at::Tensor residual = A->forward(x).sub(y);  // not in place: A(x) may be x itself
    const at::Tensor gradient = A->vjp(x, residual);
    if (trace != nullptr) trace->residual_norm = norm_per_image(residual);

    const at::Tensor x_previous = ddpm_step(problem_, numbers_, level, state.x_t, trace);
    state.x_t = x_previous - gradient * at_row(pulls_, t);
}

double ScoreAld::gamma(int step) const {
    if (settings_.rule == ScoreAldRule::jalal) return problem_.schedule.sigma(step);
    const int last = problem_.schedule.original_size() - 1;
    const double fraction = last > 0 ? static_cast<double>(problem_.schedule.timestep(step)) / last : 0.0;
    return settings_.gamma_last + (settings_.gamma_first - settings_.gamma_last) * fraction;
}

int score_ald_calls(const operators::Settings& settings, const NoiseSchedule& schedule) {
    if (!settings.is_word("preset", "norm_matched")) return schedule.size();
    return static_cast<int>(settings.integer("levels") * settings.integer("inner"));
}

std::unique_ptr<Sampler> make_score_ald(const operators::Settings& settings, const SamplingProblem& problem) {
    if (settings.is_word("preset", "norm_matched")) {
        return std::make_unique<NormMatched>(problem,
                                             NormMatchedSettings{.levels = static_cast<int>(settings.integer("levels")),
                                                                 .inner = static_cast<int>(settings.integer("inner")),
                                                                 .step_size = settings.real("step-size"),
                                                                 .match = settings.real("match"),
                                                                 .lambda = settings.real("lambda")});
    }
    return std::make_unique<ScoreAld>(
        problem,
        ScoreAldSettings{.rule = settings.is_word("preset", "poster") ? ScoreAldRule::poster : ScoreAldRule::jalal,
                         .lambda = settings.real("lambda"),
                         .gamma_first = settings.real("gamma-first"),
                         .gamma_last = settings.real("gamma-last")});
}

}  // namespace pipeline
