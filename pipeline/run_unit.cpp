#include "pipeline/run_unit.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "pipeline/samplers/make_sampler.h"
#include "pipeline/samplers/run_sampler.h"
#include "pipeline/unit_stages.h"

namespace pipeline {

namespace {

using UnitClock = std::chrono::steady_clock;

double seconds_from(UnitClock::time_point begin) {
    return std::chrono::duration<double>(UnitClock::now() - begin).count();
}

/// The chain of the unit: every timestep of the checkpoint, or those its respacing keeps.
NoiseSchedule chain(const NoiseSchedule& schedule, const std::string& respacing) {
    return respacing.empty() ? schedule : schedule.respaced(space_timesteps(schedule.size(), respacing));
}

/// Normals keyed by the rows' images and samples, never by their place in the batch.
KeyedNoise keyed_noise(const WorkUnit& unit, const UnitEnvironment& environment) {
    std::vector<std::uint64_t> images;
    for (const std::int64_t index : unit.image_index) {
        images.push_back(index < 0 ? operators::no_image : static_cast<std::uint64_t>(index));
    }
    return {environment.noise,
            std::move(images),
            {unit.sample.begin(), unit.sample.end()},
            environment.image_shape,
            environment.device};
}

/// One class for each row, [N]; undefined where the network is given none.
at::Tensor labels_of(const WorkUnit& unit, const UnitEnvironment& environment) {
    const std::string& label = unit.configuration.class_label;
    if (label.empty()) return {};
    const auto rows = static_cast<std::int64_t>(unit.image_index.size());
    if (label != "dataset") return at::full({rows}, std::stoll(label), at::kLong);
    at::Tensor labels = at::empty({rows}, at::kLong);
    std::ranges::copy(environment.dataset->labels(unit.image_index), labels.mutable_data_ptr<std::int64_t>());
    return labels;
}

std::int64_t count_status(const UnitRows& rows, RowStatus status) {
    return std::count(rows.status.begin(), rows.status.end(), status);
}

}  // namespace

UnitCost run_unit(const WorkUnit& unit, const UnitEnvironment& environment) {
    const at::NoGradGuard no_grad;
    const UnitClock::time_point begin = UnitClock::now();
    const Configuration& configuration = unit.configuration;
    const MethodEntry& method = find_method(configuration.method);

    // Images → A and η: a committed measurement.
    std::optional<MeasuredBlock> block;
    if (method.input != MethodInput::nothing) block = measured_block(unit, environment);

    // Sampling.
    const NoiseSchedule schedule = chain(environment.schedule, configuration.respacing);
    CountingPredictor predictor(environment.network, environment.heartbeat);
    const KeyedNoise noise = keyed_noise(unit, environment);
    const at::Tensor labels = labels_of(unit, environment);
    environment.network.condition_on(labels.defined() ? labels.to(environment.device) : labels);
    SamplingProblem problem{.schedule = schedule,
                            .predictor = predictor,
                            .noise = noise,
                            .variance = configuration.variance,
                            .clip = configuration.clip,
                            .device = environment.device};
    if (block) problem.measurement = measurement_on_device(*block, unit, environment);
    if (method.input == MethodInput::truth) problem.truth = block->file.truth.to(environment.device);
    const std::unique_ptr<Sampler> sampler = method.make(configuration.method_settings, problem);
    const UnitClock::time_point sampling_begin = UnitClock::now();
    StepCapture capture = environment.capture;
    capture.on_replay = [&](int network_calls) { predictor.count_replayed(network_calls); };
    SamplingResult result = run_sampler(*sampler, {}, capture);
    result.x0_hat = result.x0_hat.cpu();
    const double seconds_sampling = seconds_from(sampling_begin);

    // Metrics, and the unit's file.
    UnitFile file{.unit = unit.number,
                  .plan_digest = environment.plan_digest,
                  .configuration = configuration.to_json(),
                  .store = environment.store,
                  .rows = block ? scored_rows(unit, *block, result, environment) : generated_rows(unit, result)};
    if (labels.defined()) {
        file.rows.class_label.assign(labels.const_data_ptr<std::int64_t>(),
                                     labels.const_data_ptr<std::int64_t>() + labels.numel());
    }
    commit_unit_file(environment.folder, file);

    return {.seconds = seconds_from(begin),
            .seconds_sampling = seconds_sampling,
            .nfe = file.rows.nfe,
            .diverged = count_status(file.rows, RowStatus::diverged),
            .unreadable = count_status(file.rows, RowStatus::unreadable)};
}

}  // namespace pipeline
