#include "workers/planning.h"

#include <utility>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sha256.h"
#include "pipeline/metrics/lpips.h"
#include "workers/batch_trial.h"
#include "workers/replica.h"

namespace workers {

namespace {

operators::Shape planned_shape(const jobs::Job& job, const pipeline::ModelDescription& model) {
    const auto [height, width] = job.image_size.value_or(std::pair(model.image_size, model.image_size));
    return {model.network.in_channels, height, width};
}

/// The perceptual metric has a smallest image: found now, not in the first unit.
void check_lpips(const jobs::SweepPlan& plan) {
    bool is_scored = false;
    for (const jobs::PlannedConfiguration& point : plan.configurations()) is_scored = is_scored || !point.is_generation;
    if (!is_scored || plan.is_measured() || plan.lpips() == "none") return;
    const pipeline::Lpips lpips =
        plan.lpips() == "embedded" ? pipeline::Lpips::embedded() : pipeline::Lpips::from_file(plan.lpips());
    const operators::Shape& shape = plan.image_shape();
    if (shape.height < lpips.minimum_size() || shape.width < lpips.minimum_size()) {
        throw jobs::JobError("lpips: images are " + std::to_string(shape.height) + "x" + std::to_string(shape.width) +
                             ", the net " + lpips.net() + " takes " + std::to_string(lpips.minimum_size()) +
                             " and more; use lpips = none");
    }
    if (shape.channels != 1 && shape.channels != 3) {
        throw jobs::JobError("lpips: images have " + std::to_string(shape.channels) +
                             " channels, expected 1 or 3; use lpips = none");
    }
}

}  // namespace

PlannedJob plan_job(const std::filesystem::path& file, const jobs::Overrides& overrides, DeviceUse use,
                    const std::filesystem::path& folder) {
    try {
        jobs::Job job = jobs::read_job(file, overrides);
        DeviceChoice device{false, job.device};
        if (use != DeviceUse::leave) device = choose_device(job.device, job.precision);
        if (!job.batch && use == DeviceUse::leave) {
            throw jobs::JobError("batch: auto is found on the GPU where a run is planned; submitting needs a number");
        }
        if (!job.batch) job.batch = planned_batch(job, overrides, device.is_cuda, folder);
        if (use == DeviceUse::decide_and_open && device.is_cuda) open_cuda_side();
        pipeline::ModelDescription model = pipeline::describe_model(job.model, job.model_preset);
        std::unique_ptr<pipeline::Dataset> dataset;
        if (!job.dataset.empty()) dataset = pipeline::open_dataset(job.dataset, planned_shape(job, model));
        if (!job.measurements.empty()) dataset = pipeline::open_measurements(job.measurements);
        const std::string model_sha256 = weights_sha256(model);
        jobs::SweepPlan plan = jobs::SweepPlan::make(job, model, dataset.get(), model_sha256);
        if (dataset) dataset->check(plan.images());
        check_lpips(plan);
        if (use != DeviceUse::leave) plan.set_device(device.is_cuda ? "cuda" : "cpu");
        return {std::move(job), std::move(model), std::move(dataset), std::move(plan), device};
    } catch (const pipeline::CheckpointError& error) {
        throw jobs::JobError(error.what());
    } catch (const pipeline::FileError& error) {
        throw jobs::JobError(error.what());
    } catch (const pipeline::Hdf5Error& error) {
        throw jobs::JobError(error.what());
    }
}

}  // namespace workers
