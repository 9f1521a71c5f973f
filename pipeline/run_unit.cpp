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
            unit.network_shape,
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

/// What one part leaves for the next.
struct UnitRun::Parts {
    std::optional<MeasuredBlock> block;  ///< Where something is measured.
    at::Tensor labels;                   ///< As `labels_of`.
    SamplingResult result;               ///< On the CPU.
};

UnitRun::UnitRun(WorkUnit unit, const UnitEnvironment& environment)
    : unit_(std::move(unit)), environment_(environment), parts_(std::make_unique<Parts>()) {}
UnitRun::~UnitRun() = default;

void UnitRun::prepare() {
    const at::NoGradGuard no_grad;
    const UnitClock::time_point begin = UnitClock::now();
    const bool measures = find_method(unit_.configuration.method).input != MethodInput::nothing;
    if (measures) parts_->block = measured_block(unit_, environment_);
    parts_->labels = labels_of(unit_, environment_);
    cost_.seconds += seconds_from(begin);
}

void UnitRun::sample(const std::function<void()>& heartbeat) {
    const at::NoGradGuard no_grad;
    const UnitClock::time_point begin = UnitClock::now();
    const Configuration& configuration = unit_.configuration;
    const MethodEntry& method = find_method(configuration.method);
    const std::optional<MeasuredBlock>& block = parts_->block;

    const NoiseSchedule schedule = chain(environment_.schedule, configuration.respacing);
    CountingPredictor predictor(environment_.network, heartbeat);
    const KeyedNoise noise = keyed_noise(unit_, environment_);
    const at::Tensor& labels = parts_->labels;
    environment_.network.condition_on(labels.defined() ? labels.to(environment_.device) : labels);
    SamplingProblem problem{.schedule = schedule,
                            .predictor = predictor,
                            .noise = noise,
                            .variance = configuration.variance,
                            .clip = configuration.clip,
                            .device = environment_.device};
    if (block) problem.measurement = measurement_on_device(*block, unit_, environment_);
    if (method.input == MethodInput::truth) problem.truth = block->file.truth.to(environment_.device);

    const std::shared_ptr<const Sampler> sampler = method.make(configuration.method_settings, problem);
    StepCapture capture = environment_.capture;
    capture.on_replay = [&](int network_calls) { predictor.count_replayed(network_calls); };
    capture.name = configuration.to_json() + " " + std::to_string(unit_.image_index.size());
    capture.owner = sampler;
    parts_->result = run_sampler(*sampler, {}, capture);
    parts_->result.x0_hat = parts_->result.x0_hat.cpu();
    cost_.seconds_sampling = seconds_from(begin);
    cost_.seconds += cost_.seconds_sampling;
}

UnitCost UnitRun::finish() {
    const at::NoGradGuard no_grad;
    const UnitClock::time_point begin = UnitClock::now();
    const at::Tensor& labels = parts_->labels;
    UnitFile file{.unit = unit_.number,
                  .plan_digest = environment_.plan_digest,
                  .configuration = unit_.configuration.to_json(),
                  .store = environment_.store,
                  .rows = parts_->block ? scored_rows(unit_, *parts_->block, parts_->result, environment_)
                                        : generated_rows(unit_, parts_->result)};
    if (labels.defined()) {
        file.rows.class_label.assign(labels.const_data_ptr<std::int64_t>(),
                                     labels.const_data_ptr<std::int64_t>() + labels.numel());
    }
    commit_unit_file(environment_.folder, file);
    cost_.seconds += seconds_from(begin);
    cost_.nfe = file.rows.nfe;
    cost_.diverged = count_status(file.rows, RowStatus::diverged);
    cost_.unreadable = count_status(file.rows, RowStatus::unreadable);
    return cost_;
}

UnitCost run_unit(const WorkUnit& unit, const UnitEnvironment& environment) {
    UnitRun run(unit, environment);
    run.prepare();
    run.sample(environment.heartbeat);
    return run.finish();
}

}  // namespace pipeline
