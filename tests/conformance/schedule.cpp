#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/diffusion/forward_process.h"
#include "pipeline/diffusion/noise_schedule.h"
#include "tests/conformance/errors.h"
#include "tests/conformance/golden_file.h"
#include "tests/conformance/stored_schedule.h"
#include "tests/conformance/topics.h"

namespace conformance {

namespace {

using pipeline::NoiseSchedule;

constexpr double table_tolerance = 1e-12;  // relative

/// A table of the reference and what it is called here.
struct Table {
    const char* name;
    double (*entry)(const NoiseSchedule& schedule, int step);
    bool is_logarithm = false;
};

constexpr Table tables[] = {
    {"betas", [](const NoiseSchedule& s, int i) { return s.beta(i); }},
    {"alphas_cumprod", [](const NoiseSchedule& s, int i) { return s.alpha_bar(i); }},
    {"alphas_cumprod_prev", [](const NoiseSchedule& s, int i) { return s.alpha_bar_previous(i); }},
    {"posterior_mean_coef1", [](const NoiseSchedule& s, int i) { return s.posterior_mean_x0(i); }},
    {"posterior_mean_coef2", [](const NoiseSchedule& s, int i) { return s.posterior_mean_xt(i); }},
    {"posterior_variance", [](const NoiseSchedule& s, int i) { return s.posterior_variance(i); }},
    {"posterior_log_variance_clipped",
     [](const NoiseSchedule& s, int i) { return s.posterior_log_variance_clipped(i); }, true},
    {"log_variance_fixed_large", [](const NoiseSchedule& s, int i) { return s.log_variance_fixed_large(i); }, true},
    {"sqrt_recip_alphas_cumprod",
     [](const NoiseSchedule& s, int i) { return pipeline::clean_estimate_factors(s, i).x_t; }},
    {"sqrt_recipm1_alphas_cumprod",
     [](const NoiseSchedule& s, int i) { return pipeline::clean_estimate_factors(s, i).epsilon; }},
};

/// Relative; a logarithm's absolute error is the relative error of what it is of, so near 0 that is what is held.
double table_error(const Table& table, const NoiseSchedule& schedule, const at::Tensor& stored) {
    at::Tensor values = at::empty({schedule.size()}, at::kDouble);
    for (int i = 0; i < schedule.size(); ++i) values[i] = table.entry(schedule, i);
    if (!table.is_logarithm) return largest_relative_difference(values, stored);
    return largest_difference(values / stored.abs().clamp_min(1.0), stored / stored.abs().clamp_min(1.0));
}

at::Tensor as_tensor(const std::vector<int>& values) {
    return at::tensor(std::vector<std::int64_t>(values.begin(), values.end()), at::kLong);
}

/// Every dataset of a group that belongs to one chain.
void check_chain(const GoldenFile& file, const std::string& name, const std::function<NoiseSchedule()>& schedule,
                 Report& report) {
    const std::string group = "schedule/" + name;
    for (const std::string& dataset : file.datasets(name)) {
        const auto stored = [&] { return file.read(inside(name, dataset)); };
        if (dataset == "timestep_map") {
            report.check(group, dataset, 0.0,
                         [&] { return differing_entries(as_tensor(schedule().timesteps()), stored().to(at::kLong)); });
            continue;
        }
        const auto* table = std::find_if(std::begin(tables), std::end(tables),
                                         [&](const Table& candidate) { return dataset == candidate.name; });
        if (table == std::end(tables)) {
            report.skip(group, dataset, "no table of this name is built");
            continue;
        }
        report.check(group, dataset, table_tolerance, [&] { return table_error(*table, schedule(), stored()); });
    }
}

/// Requests by themselves: which timesteps they keep, and which are refused.
void check_rounding(const GoldenFile& file, const std::string& name, Report& report) {
    const std::string group = "schedule/" + name;
    for (const std::string& dataset : file.datasets(name)) {
        const std::string path = inside(name, dataset);
        report.check(group, dataset, 0.0, [&] {
            const auto kept =
                pipeline::space_timesteps(static_cast<int>(file.integer(path, "T")), file.text(path, "respacing"));
            return differing_entries(as_tensor(kept), file.read(path).to(at::kLong));
        });
    }
    const std::string refused = file.text_if_any(name, "refused").value_or("");
    static const std::regex request(R"re(space_timesteps\(\s*(\d+)\s*,\s*['"]([^'"]*)['"]\s*\))re");
    for (auto match = std::sregex_iterator(refused.begin(), refused.end(), request); match != std::sregex_iterator();
         ++match) {
        const int steps = std::stoi((*match)[1]);
        const std::string sections = (*match)[2];
        report.check(group, "refused " + std::to_string(steps) + " '" + sections + "'", [&] {
            try {
                pipeline::space_timesteps(steps, sections);
                return false;
            } catch (const std::invalid_argument&) {
                return true;
            }
        });
    }
}

}  // namespace

void check_schedule(const std::filesystem::path& folder, Report& report) {
    const std::filesystem::path path = folder / "schedule.h5";
    if (!std::filesystem::exists(path)) return;
    const GoldenFile file(path);
    for (const std::string& name : file.groups("/")) {
        if (!file.has_attribute(name, "schedule")) {
            check_rounding(file, name, report);
            continue;
        }
        const auto whole = [&] { return named_schedule(file.text(name, "schedule"), file.integer(name, "T")); };
        check_chain(file, name, whole, report);
        for (const std::string& child : file.groups(name)) {
            const std::string respaced = inside(name, child);
            check_chain(
                file, respaced, [&] { return respaced_schedule(whole(), file.text(respaced, "respacing")); }, report);
        }
    }
}

}  // namespace conformance
