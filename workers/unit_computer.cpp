#include "workers/unit_computer.h"

#include <ATen/Parallel.h>

#include <utility>

#include "jobs/job_error.h"
#include "jobs/planned_lpips.h"

namespace workers {

namespace {

std::unique_ptr<pipeline::Dataset> planned_dataset(const jobs::SweepPlan& plan) {
    if (plan.dataset().empty()) return nullptr;
    std::unique_ptr<pipeline::Dataset> dataset = plan.is_measured()
                                                     ? pipeline::open_measurements(plan.dataset())
                                                     : pipeline::open_dataset(plan.dataset(), plan.image_shape());
    if (dataset->digest() != plan.dataset_digest()) {
        throw jobs::JobError(plan.dataset() + ": names or sizes have changed since the run was planned");
    }
    return dataset;
}

/// Before anything else of LibTorch.
const jobs::SweepPlan& with_threads(const jobs::SweepPlan& plan) {
    at::set_num_threads(plan.threads());
    return plan;
}

}  // namespace

UnitComputer::UnitComputer(const std::filesystem::path& folder, const jobs::SweepPlan& plan, const RankDevice& device,
                           cluster::Collective& group)
    : folder_(folder),
      plan_(with_threads(plan)),
      device_(device),
      dataset_(planned_dataset(plan_)),
      lpips_(jobs::planned_lpips(plan_)),
      replica_(load_replica(plan_, device_.placement, group)),
      schedule_(replica_.model->description().noise_schedule()) {}

pipeline::UnitEnvironment UnitComputer::environment() {
    pipeline::StepCapture capture = device_.capture;
    capture.shelf = &shelf_;
    return {.folder = folder_,
            .plan_digest = plan_.digest(),
            .dataset = dataset_.get(),
            .is_measured = plan_.is_measured(),
            .network = *replica_.model,
            .schedule = schedule_,
            .noise = operators::NoiseStream(plan_.seed()),
            .lpips = lpips_ ? &*lpips_ : nullptr,
            .store = plan_.store(),
            .device = device_.placement.device,
            .capture = std::move(capture)};
}

pipeline::UnitCost UnitComputer::compute(std::int64_t unit, const std::function<void()>& heartbeat) {
    pipeline::UnitEnvironment whole = environment();
    whole.heartbeat = heartbeat;
    return pipeline::run_unit(plan_.unit(unit), whole);
}

std::unique_ptr<pipeline::UnitRun> UnitComputer::begin(std::int64_t unit) {
    return std::make_unique<pipeline::UnitRun>(plan_.unit(unit), environment());
}

void UnitComputer::set_threads() const {
    at::set_num_threads(plan_.threads());
}

std::int64_t UnitComputer::unit_file_bytes() const {
    const operators::Shape& shape = plan_.image_shape();
    const std::int64_t image = shape.channels * shape.height * shape.width * static_cast<std::int64_t>(sizeof(float));
    return plan_.batch() * image + (std::int64_t{1} << 16);
}

}  // namespace workers
