#include "jobs/plan_expansion.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "jobs/job_error.h"
#include "jobs/parameter_digest.h"
#include "operators/make_operator.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/sha256.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

using operators::Settings;

/// Runs a check from further down and makes its refusal a line about the job.
template <typename Check>
auto checked(const Surroundings& world, Check check) {
    try {
        return check();
    } catch (const std::invalid_argument& error) {
        throw JobError(world.name + ": " + error.what());
    } catch (const pipeline::FileError& error) {
        throw JobError(world.name + ": " + error.what());
    }
}

/// The respacing request of a chain with so many steps; empty for the whole chain.
std::string respacing_of(const Surroundings& world, int steps) {
    const int all = world.model.timesteps;
    if (steps > all) {
        throw JobError(world.name + ": steps = " + std::to_string(steps) + ": the checkpoint has " +
                       std::to_string(all) + " timesteps; allowed: 1 to " + std::to_string(all));
    }
    return steps == all ? "" : std::to_string(steps);
}

pipeline::VarianceKind variance_of(const Surroundings& world, const MethodJob& method) {
    const pipeline::VarianceKind variance = method.variance.value_or(world.job.variance.value_or(world.model.variance));
    if (variance == pipeline::VarianceKind::learned_range && !world.model.has_learned_variance()) {
        throw JobError(world.name +
                       ": variance = learned_range: " + pipeline::printable(world.model.weights_file.string()) +
                       " has no learned variance; allowed: fixed_small, fixed_large");
    }
    return variance;
}

/// One method with one chain: what its points share.
struct Chain {
    std::string respacing;
    pipeline::NoiseSchedule schedule;
};

std::vector<Chain> chains_of(const Surroundings& world, const MethodJob& method) {
    const pipeline::NoiseSchedule schedule = world.model.noise_schedule();
    std::vector<std::string> requests;
    if (!world.job.respacing.empty()) {
        // A diffusers checkpoint says where its leading grid starts
        const bool has_own_offset = world.job.respacing.find('+') != std::string::npos;
        const bool is_leading = world.job.respacing.starts_with("leading") && !has_own_offset;
        const int offset = is_leading ? world.model.steps_offset : 0;
        requests.push_back(world.job.respacing + (offset > 0 ? "+" + std::to_string(offset) : ""));
    } else {
        std::vector<int> steps = method.steps.value_or(world.job.steps);
        if (steps.empty()) steps.push_back(schedule.size());
        for (const int count : steps) requests.push_back(respacing_of(world, count));
    }
    std::vector<Chain> chains;
    for (const std::string& request : requests) {
        chains.push_back(checked(world, [&] {
            return Chain{request, request.empty()
                                      ? schedule
                                      : schedule.respaced(pipeline::space_timesteps(schedule.size(), request))};
        }));
    }
    return chains;
}

/// A configuration with its method's settings resolved, and what it costs.
PlannedConfiguration planned(const Surroundings& world, const MethodJob& method, const Chain& chain,
                             pipeline::Configuration configuration) {
    const pipeline::MethodEntry& entry = pipeline::find_method(method.name);
    PlannedConfiguration result;
    checked(world, [&] {
        if (entry.resolve != nullptr) {
            entry.resolve(configuration.method_settings, {.operator_name = configuration.operator_name,
                                                          .steps = chain.schedule.size(),
                                                          .original_steps = chain.schedule.original_size()});
        }
        result.nfe = entry.network_calls(configuration.method_settings, chain.schedule);
        return 0;
    });
    configuration.method = method.name;
    configuration.respacing = chain.respacing;
    configuration.variance = variance_of(world, method);
    configuration.clip = world.job.clip.value_or(world.model.clips);
    configuration.class_label = world.job.class_label;
    if (configuration.class_label == "dataset" && entry.input == pipeline::MethodInput::nothing) {
        throw JobError(world.name + ": class = dataset: " + method.name +
                       " generates without a dataset; allowed: a class, counted from 0");
    }
    configuration.noise_on_unobserved = world.job.noise_on_unobserved && !world.plan.is_measured();
    result.configuration = std::move(configuration);
    result.samples = method.samples.value_or(world.job.samples);
    result.is_generation = entry.input == pipeline::MethodInput::nothing;
    result.cost_per_image = result.nfe * entry.cost_per_call;
    return result;
}

std::vector<std::string> operators_of(const Job& job, const MethodJob& method, const pipeline::MethodEntry& entry) {
    if (method.operators) return *method.operators;
    if (!entry.default_operator.empty()) return {std::string(entry.default_operator)};
    return job.operator_names;
}

std::vector<double> noise_levels_of(const Job& job, const MethodJob& method, const pipeline::MethodEntry& entry) {
    if (method.sigma_y) return *method.sigma_y;
    if (job.poisson_rate > 0) return {0.0};
    if (!entry.default_sigma_y.empty()) return {std::stod(std::string(entry.default_sigma_y))};
    return job.sigma_y;
}

/// One operator with its settings resolved, and what it reads from a file.
struct PlannedOperator {
    std::string name;
    Settings settings;
    std::string parameter_digest;
};

/// What the operator reads for the images of each size, its file's refusal with the option that named it.
std::string digest_of_file(const Surroundings& world, const operators::OperatorEntry& entry, const Settings& settings) {
    if (world.dataset == nullptr) throw std::logic_error("plan: methods that restore need a dataset");
    pipeline::Configuration configuration;
    configuration.operator_name = entry.name;
    configuration.operator_settings = settings;
    try {
        std::vector<std::string> digests;
        for (const ImageGroup& group : world.plan.groups()) {
            const operators::Shape shape = world.plan.restored_shape(configuration, group);
            digests.push_back(parameter_digest(entry, settings, shape, *world.dataset, group.images));
        }
        if (digests.size() <= 1 || digests.front().empty()) return digests.empty() ? "" : digests.front();
        std::string all;
        for (const std::string& digest : digests) all += digest;
        return pipeline::sha256(all);
    } catch (const pipeline::FileError& error) {
        throw JobError(world.name + ": " + std::string(entry.name) + ".file: " + error.what());
    }
}

/// What settings must suit: all images, so that the smallest sides decide.
operators::Shape smallest_shape(const Surroundings& world, const operators::OperatorEntry& entry,
                                const Settings& settings) {
    operators::Shape smallest = world.plan.image_shape();
    if (!world.plan.is_measured()) return smallest;
    const std::int64_t factor = entry.enlargement == nullptr ? 1 : entry.enlargement(settings);
    smallest.height = smallest.width = std::numeric_limits<std::int64_t>::max();
    for (const ImageGroup& group : world.plan.groups()) {
        smallest.height = std::min(smallest.height, factor * group.height);
        smallest.width = std::min(smallest.width, factor * group.width);
    }
    return smallest;
}

std::vector<PlannedOperator> plan_operators(const Surroundings& world) {
    std::vector<PlannedOperator> all;
    for (const OperatorJob& job : world.job.operators) {
        const operators::OperatorEntry& entry = operators::find_operator(job.name);
        for (Settings settings : job.points) {
            all.push_back(checked(world, [&] {
                if (entry.resolve != nullptr) entry.resolve(settings, smallest_shape(world, entry, settings));
                return PlannedOperator{job.name, settings, digest_of_file(world, entry, settings)};
            }));
        }
    }
    return all;
}

/// Operators × noise levels × chains × the method's own points.
void expand_method(const Surroundings& world, const MethodJob& method, std::span<const PlannedOperator> operators,
                   std::vector<PlannedConfiguration>& all) {
    const pipeline::MethodEntry& entry = pipeline::find_method(method.name);
    const std::vector<Chain> chains = chains_of(world, method);
    const auto add_points = [&](const pipeline::Configuration& measured, const std::string& digest) {
        for (const Chain& chain : chains) {
            for (const Settings& point : method.points) {
                pipeline::Configuration configuration = measured;
                configuration.method_settings = point;
                all.push_back(planned(world, method, chain, std::move(configuration)));
                all.back().parameter_digest = digest;
            }
        }
    };
    if (entry.input == pipeline::MethodInput::nothing) {
        pipeline::Configuration none;
        none.sigma_y = std::numeric_limits<double>::quiet_NaN();
        add_points(none, "");
        return;
    }
    for (const std::string& name : operators_of(world.job, method, entry)) {
        for (const PlannedOperator& A : operators) {
            if (A.name != name) continue;
            for (const double sigma_y : noise_levels_of(world.job, method, entry)) {
                pipeline::Configuration measured;
                measured.operator_name = name;
                measured.operator_settings = A.settings;
                measured.sigma_y = sigma_y;
                measured.estimates_sigma = std::isnan(sigma_y);
                // A method with a noise level of its own (forward_reverse) keeps it
                measured.poisson_rate = entry.default_sigma_y.empty() && !method.sigma_y ? world.job.poisson_rate : 0;
                if (measured.poisson_rate > 0 && !entry.takes_poisson) {
                    throw JobError(world.name + ": noise = poisson: the likelihood of " + method.name +
                                   " is Gaussian; allowed: gaussian");
                }
                add_points(measured, A.parameter_digest);
            }
        }
    }
}

/// Two points may become one when `auto` is replaced: `zeta = auto, 2.5`.
void refuse_twins(const Surroundings& world, const std::vector<PlannedConfiguration>& all) {
    std::vector<std::string> texts;
    for (const PlannedConfiguration& planned : all) texts.push_back(planned.configuration.to_json());
    std::ranges::sort(texts);
    const auto twin = std::ranges::adjacent_find(texts);
    if (twin == texts.end()) return;
    throw JobError(world.name + ": two points of the sweep are the same once `auto` is replaced: " + *twin +
                   "; allowed: each point once");
}

}  // namespace

std::vector<PlannedConfiguration> expand(const Surroundings& world) {
    const std::vector<PlannedOperator> operators = plan_operators(world);
    std::vector<PlannedConfiguration> all;
    for (const MethodJob& method : world.job.methods) expand_method(world, method, operators, all);
    refuse_twins(world, all);
    return all;
}

}  // namespace jobs
