#include "jobs/sweep_plan.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "jobs/job_error.h"
#include "jobs/plan_json.h"
#include "operators/make_operator.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/sha256.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

using operators::Settings;
using operators::Shape;

/// What every configuration of a job shares.
struct Surroundings {
    const Job& job;
    const pipeline::ModelDescription& model;
    pipeline::NoiseSchedule schedule;
    Shape image;
    std::string file;  ///< Of the job, for messages.
};

std::string job_name(const Job& job) {
    return job.file.empty() ? std::string("command line") : pipeline::printable(job.file.string());
}

Shape image_shape_of(const Job& job, const pipeline::ModelDescription& model) {
    const auto [height, width] = job.image_size.value_or(std::pair(model.image_size, model.image_size));
    const int multiple = model.network.size_multiple();
    if (height % multiple != 0 || width % multiple != 0) {
        throw JobError(job_name(job) + ": image-size = " + std::to_string(height) +
                       (height == width ? "" : "x" + std::to_string(width)) + ": the network of " +
                       pipeline::printable(model.weights_file.string()) + " cannot take it; allowed: multiples of " +
                       std::to_string(multiple));
    }
    return {model.network.in_channels, height, width};
}

std::vector<std::int64_t> image_numbers(const Job& job, const pipeline::Dataset* dataset) {
    if (dataset == nullptr) return {};
    const std::int64_t size = dataset->size();
    const auto [first, last] = job.images.value_or(std::pair<std::int64_t, std::int64_t>(0, size - 1));
    if (last >= size) {
        throw JobError(job_name(job) + ": images = " + std::to_string(first) + "-" + std::to_string(last) + ": " +
                       pipeline::printable(job.dataset) + " has " + std::to_string(size) + " images; allowed: 0-" +
                       std::to_string(size - 1));
    }
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(last - first + 1));
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

/// Runs a check from further down and makes its refusal a line about the job.
template <typename Check>
auto checked(const Surroundings& world, Check check) {
    try {
        return check();
    } catch (const std::invalid_argument& error) {
        throw JobError(world.file + ": " + error.what());
    }
}

/// The respacing request of a chain with so many steps; empty for the whole chain.
std::string respacing_of(const Surroundings& world, int steps) {
    const int all = world.schedule.size();
    if (steps > all) {
        throw JobError(world.file + ": steps = " + std::to_string(steps) + ": the checkpoint has " +
                       std::to_string(all) + " timesteps; allowed: 1 to " + std::to_string(all));
    }
    return steps == all ? "" : std::to_string(steps);
}

pipeline::VarianceKind variance_of(const Surroundings& world, const MethodJob& method) {
    const pipeline::VarianceKind variance = method.variance.value_or(world.job.variance.value_or(world.model.variance));
    if (variance == pipeline::VarianceKind::learned_range && !world.model.has_learned_variance()) {
        throw JobError(world.file +
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
    std::vector<std::string> requests;
    if (!world.job.respacing.empty()) {
        requests.push_back(world.job.respacing);
    } else {
        std::vector<int> steps = method.steps.value_or(world.job.steps);
        if (steps.empty()) steps.push_back(world.schedule.size());
        for (const int count : steps) requests.push_back(respacing_of(world, count));
    }
    std::vector<Chain> chains;
    for (const std::string& request : requests) {
        chains.push_back(checked(world, [&] {
            return Chain{request, request.empty() ? world.schedule
                                                  : world.schedule.respaced(
                                                        pipeline::space_timesteps(world.schedule.size(), request))};
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
                                                          .original_steps = world.schedule.size()});
        }
        result.nfe = entry.network_calls(configuration.method_settings, chain.schedule);
        return 0;
    });
    configuration.method = method.name;
    configuration.respacing = chain.respacing;
    configuration.variance = variance_of(world, method);
    configuration.clip = world.job.clip;
    configuration.noise_on_unobserved = world.job.noise_on_unobserved;
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
    if (!entry.default_sigma_y.empty()) return {std::stod(std::string(entry.default_sigma_y))};
    return job.sigma_y;
}

/// Operators × noise levels × chains × the method's own points.
void expand_method(const Surroundings& world, const MethodJob& method, std::vector<PlannedConfiguration>& all) {
    const pipeline::MethodEntry& entry = pipeline::find_method(method.name);
    const std::vector<Chain> chains = chains_of(world, method);
    const auto add_points = [&](const pipeline::Configuration& measured) {
        for (const Chain& chain : chains) {
            for (const Settings& point : method.points) {
                pipeline::Configuration configuration = measured;
                configuration.method_settings = point;
                all.push_back(planned(world, method, chain, std::move(configuration)));
            }
        }
    };
    if (entry.input == pipeline::MethodInput::nothing) {
        pipeline::Configuration none;
        none.sigma_y = std::numeric_limits<double>::quiet_NaN();
        add_points(none);
        return;
    }
    for (const std::string& name : operators_of(world.job, method, entry)) {
        const auto job_of = std::ranges::find(world.job.operators, name, &OperatorJob::name);
        for (Settings settings : job_of->points) {
            const operators::OperatorEntry& A = operators::find_operator(name);
            checked(world, [&] {
                if (A.resolve != nullptr) A.resolve(settings, world.image);
                return 0;
            });
            for (const double sigma_y : noise_levels_of(world.job, method, entry)) {
                pipeline::Configuration measured;
                measured.operator_name = name;
                measured.operator_settings = settings;
                measured.sigma_y = sigma_y;
                add_points(measured);
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
    if (twin != texts.end()) throw JobError(world.file + ": two points of the sweep are the same: " + *twin);
}

std::int64_t blocks_of(std::int64_t images, int batch) {
    return (images + batch - 1) / batch;
}

}  // namespace

SweepPlan SweepPlan::make(const Job& job, const pipeline::ModelDescription& model, const pipeline::Dataset* dataset,
                          const std::string& model_sha256) {
    if (model.network.classes > 0) {
        throw JobError(job_name(job) + ": model = " + pipeline::printable(job.model.string()) +
                       ": the network is conditional on " + std::to_string(model.network.classes) +
                       " classes; allowed: networks without classes");
    }
    const Surroundings world{job, model, model.noise_schedule(), image_shape_of(job, model), job_name(job)};
    SweepPlan plan;
    plan.images_ = image_numbers(job, dataset);
    plan.image_shape_ = world.image;
    plan.seed_ = job.seed;
    plan.batch_ = job.batch;
    plan.threads_ = job.threads;
    plan.dataset_ = dataset == nullptr ? "" : job.dataset;
    plan.dataset_digest_ = dataset == nullptr ? "" : dataset->digest();
    plan.model_ = job.model;
    plan.model_sha256_ = model_sha256;
    plan.lpips_ = job.lpips;
    plan.lpips_sha256_ =
        job.lpips == "none" || job.lpips == "embedded" ? job.lpips : pipeline::sha256_of_file(job.lpips);
    plan.device_ = job.device;
    plan.store_ = job.store;
    plan.job_text_ = job.text;

    for (const MethodJob& method : job.methods) expand_method(world, method, plan.configurations_);
    refuse_twins(world, plan.configurations_);
    plan.number_units();
    plan.digest_ = plan_digest(plan);
    return plan;
}

void SweepPlan::number_units() {
    std::int64_t next = 0;
    for (PlannedConfiguration& planned : configurations_) {
        planned.first_unit = next;
        planned.units = planned.is_generation
                            ? blocks_of(planned.samples, batch_)
                            : planned.samples * blocks_of(static_cast<std::int64_t>(images_.size()), batch_);
        next += planned.units;
    }
}

std::int64_t SweepPlan::unit_count() const {
    return configurations_.empty() ? 0 : configurations_.back().first_unit + configurations_.back().units;
}

const PlannedConfiguration& SweepPlan::configuration_of(std::int64_t unit) const {
    if (unit < 0 || unit >= unit_count()) {
        throw std::invalid_argument("plan: there is no unit " + std::to_string(unit) + ", allowed are 0 to " +
                                    std::to_string(unit_count() - 1));
    }
    const auto after = std::ranges::upper_bound(configurations_, unit, {}, &PlannedConfiguration::first_unit);
    return *std::prev(after);
}

pipeline::WorkUnit SweepPlan::unit(std::int64_t number) const {
    const PlannedConfiguration& planned = configuration_of(number);
    const std::int64_t place = number - planned.first_unit;
    const std::int64_t rows = planned.is_generation ? planned.samples : static_cast<std::int64_t>(images_.size());
    const std::int64_t blocks = blocks_of(rows, batch_);
    pipeline::WorkUnit unit;
    unit.number = number;
    unit.configuration = planned.configuration;
    unit.block = place % blocks;
    const std::int64_t end = std::min(rows, (unit.block + 1) * batch_);
    for (std::int64_t row = unit.block * batch_; row < end; ++row) {
        unit.image_index.push_back(planned.is_generation ? -1 : images_[static_cast<std::size_t>(row)]);
        unit.sample.push_back(planned.is_generation ? row : place / blocks);
    }
    return unit;
}

double SweepPlan::cost(std::int64_t number) const {
    const PlannedConfiguration& planned = configuration_of(number);
    const std::int64_t rows = planned.is_generation ? planned.samples : static_cast<std::int64_t>(images_.size());
    const std::int64_t block = (number - planned.first_unit) % blocks_of(rows, batch_);
    const std::int64_t size = std::min<std::int64_t>(batch_, rows - block * batch_);
    return planned.cost_per_image * static_cast<double>(size);
}

std::int64_t SweepPlan::rows() const {
    std::int64_t rows = 0;
    for (const PlannedConfiguration& planned : configurations_) {
        rows += planned.samples * (planned.is_generation ? 1 : static_cast<std::int64_t>(images_.size()));
    }
    return rows;
}

}  // namespace jobs
