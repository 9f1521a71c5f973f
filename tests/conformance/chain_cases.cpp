#include "tests/conformance/chain_cases.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <future>
#include <optional>
#include <vector>

#include "tests/conformance/chain.h"
#include "tests/conformance/errors.h"

namespace conformance {

double step_tolerance(const std::string& method) {
    return method == "dps" ? 3e-4 : 3e-5;
}

double free_run_tolerance(double reference_error) {
    return std::max(2e-5, 10 * reference_error);
}

namespace {

/// What every step from a stored state gave, stacked over the steps.
struct Steps {
    at::Tensor x;              // [K, N, C, H, W]
    at::Tensor x0_hat;         // as x
    at::Tensor residual_norm;  // [K, N]; undefined where the method has none
    at::Tensor gradient;       // as x; undefined where the method has none
};

/// One stored chain and its cases.
class StoredChain {
  public:
    StoredChain(const GoldenFile& file, const std::string& method, const std::string& name, NetworkShelf& networks)
        : file_(file),
          name_(name),
          networks_(networks),
          x_(file.read(inside(name, "x"))),
          settings_{.group = name,
                    .method = method,
                    .rows = x_.size(1),
                    .timesteps = file.read_integers(inside(name, "timesteps"))} {}

    void check(Report& report);

  private:
    at::Tensor stored(const std::string& quantity) const { return file_.read(inside(name_, quantity)); }
    bool has(const std::string& quantity) const { return file_.has(inside(name_, quantity)); }
    std::int64_t count() const { return static_cast<std::int64_t>(settings_.timesteps.size()); }

    Chain chain(std::int64_t first_row, std::int64_t rows) const {
        return {file_, settings_, networks_, first_row, rows};
    }
    /// What the first executed step started from, for all rows.
    at::Tensor start(const Chain& chain) const {
        return has("x_start") ? stored("x_start") : chain.sampler().start().x_t;
    }

    Steps step_by_step(std::int64_t first_row, std::int64_t rows) const;
    Steps rows_alone() const;
    at::Tensor free_run() const;
    double misplaced_timesteps() const;
    std::optional<double> reference_error() const;

    const GoldenFile& file_;
    std::string name_;
    NetworkShelf& networks_;
    at::Tensor x_;
    ChainSettings settings_;
};

Steps StoredChain::step_by_step(std::int64_t first_row, std::int64_t rows) const {
    const Chain steps = chain(first_row, rows);
    const at::Tensor first = has("x_start") ? stored("x_start").narrow(0, first_row, rows) : start(steps);
    std::vector<at::Tensor> x, x0_hat, residual_norm, gradient;
    for (std::int64_t k = 0; k < count(); ++k) {
        pipeline::StepTrace trace;
        const at::Tensor before = k == 0 ? first : x_[k - 1].narrow(0, first_row, rows);
        x.push_back(steps.step(before, settings_.timesteps[k], &trace));
        x0_hat.push_back(trace.x0_hat);
        if (trace.residual_norm.defined()) residual_norm.push_back(trace.residual_norm);
        if (trace.gradient.defined()) gradient.push_back(trace.gradient);
    }
    const auto stacked = [](const std::vector<at::Tensor>& list) {
        return list.empty() ? at::Tensor() : at::stack(list);
    };
    return {at::stack(x), at::stack(x0_hat), stacked(residual_norm), stacked(gradient)};
}

Steps StoredChain::rows_alone() const {
    std::vector<at::Tensor> x;
    for (std::int64_t row = 0; row < settings_.rows; ++row) x.push_back(step_by_step(row, 1).x);
    return {.x = at::cat(x, 1), .x0_hat = {}, .residual_norm = {}, .gradient = {}};
}

at::Tensor StoredChain::free_run() const {
    const Chain steps = chain(0, settings_.rows);
    std::vector<at::Tensor> states;
    at::Tensor x = start(steps);
    for (const int timestep : settings_.timesteps) {
        x = steps.step(x, timestep);
        states.push_back(x);
    }
    return at::stack(states);
}

/// How many executed steps are not where the sampler's own chain has them: from its top, or from level `start` where
/// that is a number, and to its end, or as many as `limit`.
double StoredChain::misplaced_timesteps() const {
    std::vector<int> expected = chain(0, settings_.rows).timesteps();
    if (!file_.text_if_any(name_, "start")) {
        if (const auto levels = file_.number_if_any(name_, "start")) {
            const auto skipped = static_cast<std::int64_t>(expected.size()) - static_cast<std::int64_t>(*levels);
            expected.erase(expected.begin(), expected.begin() + std::clamp<std::int64_t>(skipped, 0, expected.size()));
        }
    }
    if (const auto limit = file_.number_if_any(name_, "limit")) {
        expected.resize(std::min(expected.size(), static_cast<std::size_t>(*limit)));
    }
    const auto& stored = settings_.timesteps;
    double misplaced = 0;
    for (std::size_t k = 0; k < std::max(stored.size(), expected.size()); ++k) {
        misplaced += k >= stored.size() || k >= expected.size() || stored[k] != expected[k];
    }
    return misplaced;
}

std::optional<double> StoredChain::reference_error() const {
    if (has("max_abs_f32_vs_f64")) return stored("max_abs_f32_vs_f64").max().item<double>();
    return file_.number_if_any(name_, "max_abs_f32_vs_f64_overall");
}

/// Steps whose gradient is stored: the attribute `steps` of the dataset.
at::Tensor stored_gradient_steps(const GoldenFile& file, const std::string& dataset) {
    const std::vector<double> steps = file.numbers(dataset, "steps");
    return at::tensor(std::vector<std::int64_t>(steps.begin(), steps.end()), at::kLong);
}

void StoredChain::check(Report& report) {
    const std::string group = "samplers/" + name_;
    const std::string& method = settings_.method;
    const double tolerance = step_tolerance(method);
    const auto steps = std::async(std::launch::deferred, [&] { return step_by_step(0, settings_.rows); }).share();

    report.check(group, "timesteps", 0.0, [&] { return misplaced_timesteps(); });
    if (method == "sdedit" && has("x_start")) {
        report.check(group, "x_start", tolerance, [&] {
            return largest_difference(chain(0, settings_.rows).sampler().start().x_t, stored("x_start"));
        });
    }
    report.check(group, "x, step by step", tolerance, [&] { return largest_difference(steps.get().x, x_); });
    if (settings_.rows > 1) {
        report.check(group, "x, rows alone", tolerance,
                     [&] { return largest_difference(rows_alone().x, steps.get().x); });
    }
    if (const auto error = reference_error(); error && *error <= free_run_limit) {
        report.check(group, "x, free run", free_run_tolerance(*error),
                     [&] { return largest_difference(free_run(), x_); });
    }

    // What a step reports about its likelihood part
    for (const char* norm : {"distance", "residual_norm"}) {
        if (!has(norm)) continue;
        report.check(group, norm, norm_tolerance,
                     [&] { return largest_relative_difference(steps.get().residual_norm, stored(norm)); });
    }
    // A gradient is held as the step that it is part of, absolutely
    if (has("gradient")) {
        report.check(group, "gradient", tolerance, [&] {
            const at::Tensor expected = stored("gradient");
            const at::Tensor at_steps = stored_gradient_steps(file_, inside(name_, "gradient"));
            return largest_difference(steps.get().gradient.index_select(0, at_steps).narrow(1, 0, expected.size(1)),
                                      expected);
        });
    }
    if (has("gradient_norm")) {
        report.check(group, "gradient_norm", tolerance, [&] {
            const at::Tensor norms = steps.get().gradient.to(at::kDouble).flatten(2).norm(2, 2);
            return largest_difference(norms, stored("gradient_norm"));
        });
    }
    if (has("clipped_fraction")) {
        // One entry at the clamp may fall on either side of it
        const double entry = 1.0 / static_cast<double>(x_[0][0].numel());
        report.check(group, "clipped_fraction", 1.01 * entry, [&] {
            const at::Tensor is_clipped = steps.get().x0_hat.abs().ge(1.0).flatten(2);
            return largest_difference(is_clipped.to(at::kDouble).mean(2), stored("clipped_fraction"));
        });
    }
}

}  // namespace

void check_stored_chain(const GoldenFile& file, const std::string& method, const std::string& name,
                        NetworkShelf& networks, Report& report) {
    StoredChain(file, method, name, networks).check(report);
}

}  // namespace conformance
