#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "tests/conformance/chain.h"
#include "tests/conformance/chain_cases.h"
#include "tests/conformance/errors.h"

namespace conformance {

namespace {

/// States and norms, one for each stored step.
struct SomeSteps {
    at::Tensor x;         // [M, C, H, W]
    at::Tensor distance;  // [M]
};

/// All timesteps of a group's chain, from the noisiest down.
std::vector<int> whole_chain(const GoldenFile& file, const std::string& name, NetworkShelf& networks) {
    return Chain(file, {.group = name, .method = "dps", .rows = 1, .timesteps = {}}, networks, 0, 1).timesteps();
}

/// One step from each stored x_t: each is the first step of a run of its own, and has that one's noise.
SomeSteps single_steps(const GoldenFile& file, const std::string& name, NetworkShelf& networks) {
    const at::Tensor x_t = file.read(inside(name, "x_t"));
    std::vector<at::Tensor> x, distance;
    for (const int timestep : file.read_integers(inside(name, "timesteps"))) {
        const Chain chain(file, {.group = name, .method = "dps", .rows = 1, .timesteps = {timestep}}, networks, 0, 1);
        pipeline::StepTrace trace;
        const auto row = static_cast<std::int64_t>(x.size());
        x.push_back(chain.step(x_t.narrow(0, row, 1), timestep, &trace));
        distance.push_back(trace.residual_norm);
    }
    return {at::cat(x), at::cat(distance)};
}

/// Executed steps whose result a group stores: the dataset `steps`, or the first of the chain.
std::vector<int> stored_step_numbers(const GoldenFile& file, const std::string& name) {
    if (file.has(inside(name, "steps"))) return file.read_integers(inside(name, "steps"));
    std::vector<int> steps(static_cast<std::size_t>(file.hdf5().shape(inside(name, "x_reference")).at(0)));
    std::iota(steps.begin(), steps.end(), 0);
    return steps;
}

/// Which of them, by position, follow a state that is stored too: the start, or the step before.
std::vector<std::int64_t> comparable_steps(const std::vector<int>& steps) {
    std::vector<std::int64_t> positions;
    for (std::size_t j = 0; j < steps.size(); ++j) {
        if (steps[j] == (j == 0 ? 0 : steps[j - 1] + 1)) positions.push_back(static_cast<std::int64_t>(j));
    }
    return positions;
}

/// The states that a group `from_t…` stores, either after each of the first steps or after those that `steps` lists.
class PartialChain {
  public:
    PartialChain(const GoldenFile& file, const std::string& name, NetworkShelf& networks)
        : x_(file.read(inside(name, "x_reference"))) {
        const std::vector<int> all = whole_chain(file, name, networks);
        steps_ = stored_step_numbers(file, name);
        const auto count = static_cast<std::size_t>(steps_.back()) + 1;

        // A chain that begins with a state begins where its last stored step is step 0
        const bool has_start = file.has(inside(name, "x_start"));
        const std::size_t first = has_start ? all.size() - count : 0;
        timesteps_.assign(all.begin() + static_cast<std::ptrdiff_t>(first),
                          all.begin() + static_cast<std::ptrdiff_t>(first + count));
        chain_ = std::make_unique<Chain>(
            file, ChainSettings{.group = name, .method = "dps", .rows = 1, .timesteps = timesteps_}, networks, 0, 1);
        start_ = has_start ? file.read(inside(name, "x_start")) : chain_->sampler().start().x_t;
    }

    const at::Tensor& x() const { return x_; }
    /// The steps at these positions, each from the stored state before it.
    SomeSteps step_by_step(const std::vector<std::int64_t>& positions) const {
        std::vector<at::Tensor> x, distance;
        for (const std::int64_t j : positions) {
            pipeline::StepTrace trace;
            const int k = steps_[static_cast<std::size_t>(j)];
            x.push_back(chain_->step(j == 0 ? start_ : x_[j - 1], timesteps_[static_cast<std::size_t>(k)], &trace));
            distance.push_back(trace.residual_norm);
        }
        return {at::stack(x), at::cat(distance)};
    }

    SomeSteps free_run() const {
        std::vector<at::Tensor> x, distance;
        at::Tensor state = start_;
        std::size_t next = 0;
        for (std::size_t k = 0; next < steps_.size(); ++k) {
            pipeline::StepTrace trace;
            state = chain_->step(state, timesteps_[k], &trace);
            if (static_cast<int>(k) != steps_[next]) continue;
            x.push_back(state);
            distance.push_back(trace.residual_norm);
            ++next;
        }
        return {at::stack(x), at::cat(distance)};
    }

  private:
    at::Tensor x_;  // [M, 1, C, H, W]
    std::vector<int> steps_, timesteps_;
    at::Tensor start_;
    std::unique_ptr<Chain> chain_;
};

void check_single_steps(const GoldenFile& file, const std::string& name, NetworkShelf& networks, Report& report) {
    const std::string group = "samplers/" + name;
    const auto stored = [&](const std::string& quantity) { return file.read(inside(name, quantity)); };
    const auto steps = std::async(std::launch::deferred, [&] { return single_steps(file, name, networks); }).share();
    for (const char* other : {"x_reference", "x_deepinv"}) {
        if (!file.has(inside(name, other))) continue;
        report.check(group, other, step_tolerance("dps"),
                     [&] { return largest_difference(steps.get().x, stored(other)); });
    }
    if (file.has(inside(name, "distance"))) {
        report.check(group, "distance", norm_tolerance,
                     [&] { return largest_relative_difference(steps.get().distance, stored("distance")); });
    }
}

/// How far the reference is from the same run elsewhere, at its worst step: the other program, or float64.
std::optional<double> reference_spread(const GoldenFile& file, const std::string& name) {
    std::optional<double> spread;
    for (const char* what : {"max_abs_f32_vs_f64", "max_abs_deepinv_vs_reference"}) {
        if (!file.has(inside(name, what))) continue;
        spread = std::max(spread.value_or(0), file.read(inside(name, what)).max().item<double>());
    }
    return spread;
}

void check_partial_chain(const GoldenFile& file, const std::string& name, NetworkShelf& networks, Report& report) {
    const std::string group = "samplers/" + name;
    const auto chain =
        std::async(std::launch::deferred, [&] { return std::make_shared<PartialChain>(file, name, networks); }).share();
    const bool has_distance = file.has(inside(name, "distance"));

    if (const auto positions = comparable_steps(stored_step_numbers(file, name)); !positions.empty()) {
        const auto steps =
            std::async(std::launch::deferred, [&] { return chain.get()->step_by_step(positions); }).share();
        const auto stored = [&](const std::string& quantity) {
            return file.read(inside(name, quantity)).index_select(0, at::tensor(positions, at::kLong));
        };
        report.check(group, "x, step by step", step_tolerance("dps"),
                     [&] { return largest_difference(steps.get().x, stored("x_reference")); });
        if (has_distance) {
            report.check(group, "distance, step by step", norm_tolerance,
                         [&] { return largest_relative_difference(steps.get().distance, stored("distance")); });
        }
    }

    const auto spread = reference_spread(file, name);
    if (!spread || *spread > free_run_limit) return;
    const auto run = std::async(std::launch::deferred, [&] { return chain.get()->free_run(); }).share();
    report.check(group, "x, free run", free_run_tolerance(*spread),
                 [&] { return largest_difference(run.get().x, chain.get()->x()); });
    if (has_distance) {
        report.check(group, "distance, free run", norm_tolerance, [&] {
            return largest_relative_difference(run.get().distance, file.read(inside(name, "distance")));
        });
    }
}

}  // namespace

void check_fixed_small(const GoldenFile& file, const std::string& name, NetworkShelf& networks, Report& report) {
    for (const std::string& child : file.groups(name)) {
        const std::string group = inside(name, child);
        report.within("samplers/" + group, [&] {
            if (file.has(inside(group, "x_t"))) {
                check_single_steps(file, group, networks, report);
            } else {
                check_partial_chain(file, group, networks, report);
            }
        });
    }
}

}  // namespace conformance
