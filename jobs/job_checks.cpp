#include "jobs/job_checks.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "jobs/job_error.h"
#include "jobs/job_options.h"
#include "jobs/job_values.h"
#include "operators/make_operator.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

std::string words_of(const std::set<std::string>& names) {
    std::string words;
    for (const std::string& name : names) words += (words.empty() ? "" : ", ") + name;
    return words;
}

/// A section that nothing uses is a mistake: a misplaced setting would silently do nothing.
void check_sections(const Job& job, const GivenMap& given) {
    std::set<std::string> used;
    for (const MethodJob& method : job.methods) used.insert(method.name);
    for (const OperatorJob& entry : job.operators) used.insert(entry.name);
    for (const auto& [name, option] : given) {
        const std::string& section = find_option(name)->section;
        if (!section.empty() && !used.contains(section)) {
            refuse(option.option.where, "the job does not use " + section +
                                            "; allowed: sections of its methods and operators, here " + words_of(used));
        }
    }
}

/// What the methods of a job take from its top level.
struct Needs {
    bool images = false, operator_names = false, sigma_y = false;
};

Needs needs_of(const Job& job) {
    Needs needs;
    for (const MethodJob& method : job.methods) {
        const pipeline::MethodEntry& entry = pipeline::find_method(method.name);
        if (entry.input == pipeline::MethodInput::nothing) continue;
        needs.images = true;
        needs.operator_names = needs.operator_names || (!method.operators && entry.default_operator.empty());
        needs.sigma_y = needs.sigma_y || (!method.sigma_y && entry.default_sigma_y.empty());
    }
    return needs;
}

}  // namespace

void check_required(const Job& job, const std::string& file, const GivenMap& given) {
    const auto require = [&](const char* name, const char* why) {
        if (!given.contains(name)) throw JobError(file + ": " + name + " is not given; " + why);
    };
    require("method", "allowed: names from `diffinv list methods`");
    require("model", "allowed: a .safetensors or .pt file, or a folder with model.safetensors and config.json");
    const Needs needs = needs_of(job);
    if (needs.images && !given.contains("measurements"))
        require("dataset", "methods that restore need images: a folder, or FILE.h5:NAME");
    if (needs.operator_names) require("operator", "allowed: names from `diffinv list operators`");
}

void check_used(const Job& job, const GivenMap& given) {
    check_sections(job, given);
    const Needs needs = needs_of(job);
    const auto refuse_unused = [&](const char* name, bool is_used, const char* why) {
        if (!is_used && given.contains(name)) refuse(given.at(name).option.where, why);
    };
    constexpr auto unused = "no method of the job uses it; allowed: only what has an effect";
    refuse_unused("operator", needs.operator_names, unused);
    refuse_unused("sigma-y", needs.sigma_y, unused);
    refuse_unused("images", given.contains("dataset") || given.contains("measurements"),
                  "there is no dataset; allowed: only beside dataset or measurements");
    if (!given.contains("respacing")) return;
    for (const auto& [name, option] : given) {
        if (name == "steps" || name.ends_with(".steps")) {
            refuse(option.option.where, "respacing is given too; allowed: one of the two");
        }
    }
}

void check_measurements(const Job& job, const GivenMap& given) {
    bool has_estimate = std::ranges::any_of(job.sigma_y, [](double sigma) { return std::isnan(sigma); });
    bool has_number = !has_estimate && needs_of(job).sigma_y;
    for (const MethodJob& method : job.methods) {
        for (const double sigma : method.sigma_y.value_or(std::vector<double>{})) {
            (std::isnan(sigma) ? has_estimate : has_number) = true;
        }
    }
    const auto first_sigma = [&] {
        return std::ranges::find_if(given, [](const auto& one) { return one.first.ends_with("sigma-y"); });
    };
    if (job.measurements.empty()) {
        if (has_estimate) {
            refuse(first_sigma()->second.option.where,
                   "the noise of simulated measurements is known; allowed without measurements: a number ≥ 0");
        }
        return;
    }
    if (has_estimate && has_number) {
        refuse(first_sigma()->second.option.where,
               "one method estimates the noise and another does not; allowed: all or none");
    }
    const auto refuse_beside = [&](const char* name, const char* why) {
        if (given.contains(name)) refuse(given.at(name).option.where, why);
    };
    refuse_beside("dataset", "measurements is given too; allowed: one of the two");
    refuse_beside("image-size", "measured images keep their sizes; allowed: image-size beside dataset");
    refuse_beside("noise-on-unobserved", "of what was not measured nothing is used; allowed: beside dataset");
    for (const MethodJob& method : job.methods) {
        const pipeline::MethodInput input = pipeline::find_method(method.name).input;
        if (input == pipeline::MethodInput::measurement) continue;
        refuse(given.at("method").option.where,
               method.name +
                   (input == pipeline::MethodInput::truth ? " starts from the truth" : " takes no measurement") +
                   "; allowed with measurements: methods that restore");
    }
    for (const OperatorJob& used : job.operators) {
        if (!operators::find_operator(used.name).is_random) continue;
        std::string allowed;
        for (const operators::OperatorEntry& entry : operators::operator_table()) {
            if (!entry.is_random) allowed += (allowed.empty() ? "" : ", ") + std::string(entry.name);
        }
        const auto named = std::ranges::find_if(given, [](const auto& one) { return one.first.ends_with("operator"); });
        refuse(named->second.option.where, used.name + " is drawn from the seed; allowed with measurements: " +
                                               allowed + " (a mask or kernel of your own: mask.file, kernel.file)");
    }
}

}  // namespace jobs
