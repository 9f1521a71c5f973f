#include "tests/jobs_results/made_campaign.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sin.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "jobs/job.h"
#include "jobs/journal.h"
#include "operators/make_operator.h"
#include "operators/measurement_noise.h"
#include "pipeline/data/measurement_file.h"
#include "pipeline/data/unit_file.h"
#include "pipeline/metrics/psnr.h"
#include "pipeline/metrics/ssim.h"
#include "pipeline/networks/model.h"

namespace {

constexpr double not_defined = std::numeric_limits<double>::quiet_NaN();

/// y, mask and kernel of a block as a run commits them.
pipeline::MeasurementFile measured(const pipeline::WorkUnit& unit, const jobs::SweepPlan& plan,
                                   const pipeline::Dataset& dataset) {
    const pipeline::Configuration& configuration = unit.configuration;
    const operators::NoiseStream noise(plan.seed());
    const std::vector<std::uint64_t> images(unit.image_index.begin(), unit.image_index.end());
    const operators::OperatorEntry& entry = operators::find_operator(configuration.operator_name);
    operators::Parameters parameters;
    if (entry.draw != nullptr) {
        parameters = entry.draw(configuration.operator_settings, plan.image_shape(), noise, images);
    }
    const pipeline::ImageBatch batch = dataset.images(unit.image_index);
    const operators::Measurement measurement =
        operators::measure(entry.make(configuration.operator_settings, plan.image_shape(), parameters), batch.images,
                           configuration.sigma_y, noise, images, true);
    return {.operator_name = configuration.operator_name,
            .operator_settings = nlohmann::json::parse(configuration.to_json()).at("operator_settings").dump(),
            .sigma_y = configuration.sigma_y,
            .image_index = unit.image_index,
            .image_name = batch.names,
            .truth = batch.images,
            .image_hash = batch.content_hashes,
            .image_error = batch.errors,
            .y = measurement.y,
            .parameters = parameters};
}

/// A fixed pattern that differs from unit to unit and image to image.
at::Tensor pattern(const std::vector<std::int64_t>& shape, std::int64_t unit) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    return at::sin(at::arange(count, at::kDouble) * 1.7 + static_cast<double>(unit)).reshape(shape).to(at::kFloat);
}

}  // namespace

std::string MadeCampaign::job_text() {
    return "dataset = photos\n"
           "seed = 7\n"
           "steps = 20\n"
           "batch = 2\n"
           "method = sdedit, dps, forward_reverse, ddpm\n"
           "operator = box, gaussian_blur\n"
           "sigma-y = 0.1, 0.05\n"
           "[sdedit]\nt-start = 200, 500\nsamples = 2\n"
           "[ddpm]\nsamples = 3\n"
           "[box]\nsize = 24\n"
           "[gaussian_blur]\nsize = 9\n";
}

MadeCampaign::MadeCampaign(const std::string& job_text, IsMade is_made) {
    copy_photos();
    const std::filesystem::path model = test_support::source_folder() / "jobs" / "quickstart" / "model";
    test_support::write_text(folder_ / "made.ini", "model = " + model.string() + "\n" + job_text);
    const jobs::Job job = jobs::read_job(folder_ / "made.ini", {});
    const pipeline::ModelDescription description = pipeline::describe_model(job.model);
    dataset_ = pipeline::open_dataset(job.dataset, {3, 64, 64});
    const jobs::SweepPlan plan = jobs::SweepPlan::make(job, description, dataset_.get(), std::string(64, 'a'));
    campaign_ = std::make_unique<jobs::Campaign>(jobs::Campaign::create_or_continue(folder(), plan, dataset_.get()));
    for (std::int64_t number = 0; number < plan.unit_count(); ++number) {
        const pipeline::WorkUnit unit = plan.unit(number);
        if (is_made(unit)) make_unit(unit, 0.1 + 0.01 * static_cast<double>(number % 7));
    }
}

void MadeCampaign::copy_photos() const {
    const std::filesystem::path from = test_support::source_folder() / "jobs" / "quickstart" / "images";
    std::filesystem::create_directories(folder_ / "photos");
    const std::pair<const char*, const char*> names[] = {{"chelsea.png", "a, \"cat\"\nin two lines.png"},
                                                         {"coffee.png", "coffee.png"},
                                                         {"kodim07.png", "kodim07.png"},
                                                         {"kodim23.png", "kodim23 'ä'.png"},
                                                         {"flower_daisy_172882635.png", "z.png"}};
    for (const auto& [photo, name] : names) std::filesystem::copy_file(from / photo, folder_ / "photos" / name);
}

void MadeCampaign::make_unit(const pipeline::WorkUnit& unit, double strength) const {
    const jobs::SweepPlan& plan = campaign_->plan();
    const operators::Shape& shape = plan.image_shape();
    const auto count = static_cast<std::int64_t>(unit.image_index.size());
    const at::Tensor added = pattern({count, shape.channels, shape.height, shape.width}, unit.number) * strength;
    const std::vector<double> nothing(unit.image_index.size(), not_defined);

    pipeline::UnitFile file{.unit = unit.number,
                            .plan_digest = plan.digest(),
                            .configuration = unit.configuration.to_json(),
                            .store = plan.store(),
                            .rows = {}};
    pipeline::UnitRows& rows = file.rows;
    rows.image_index = unit.image_index;
    rows.sample = unit.sample;
    rows.status.assign(unit.image_index.size(), pipeline::RowStatus::done);
    rows.nfe = 20;
    rows.image_error.resize(unit.image_index.size());
    rows.psnr = rows.ssim = rows.lpips = rows.psnr_measurement = rows.psnr_unobserved = rows.residual = nothing;
    rows.class_label.assign(rows.psnr.size(), -1);
    if (unit.image_index.front() < 0) {
        rows.restored = added.clamp(-1, 1);
        rows.image_name.resize(unit.image_index.size());
        rows.image_hash.resize(unit.image_index.size());
    } else {
        const pipeline::MeasurementFile measurement = measured(unit, plan, *dataset_);
        pipeline::commit_measurement_file(folder(), unit.configuration.measurement_label(), unit.block, measurement);
        rows.restored = (measurement.truth + added).clamp(-1, 1);
        // As stored: metrics are of the levels that a reader sees.
        if (plan.store() == pipeline::Store::uint8) {
            rows.restored = rows.restored.add(1).mul(127.5).round().div(127.5).sub(1);
        }
        rows.image_name = measurement.image_name;
        rows.image_hash = measurement.image_hash;
        rows.psnr = pipeline::psnr(rows.restored, measurement.truth);
        rows.ssim = pipeline::ssim(rows.restored, measurement.truth);
        rows.psnr_measurement = pipeline::psnr(measurement.y, measurement.truth);
        const auto mask = measurement.parameters.find("mask");
        rows.psnr_unobserved = pipeline::psnr_unobserved(
            rows.restored, measurement.truth, mask == measurement.parameters.end() ? at::Tensor() : mask->second);
        for (std::size_t row = 0; row < rows.lpips.size(); ++row) rows.lpips[row] = 0.1 + 0.001 * rows.psnr[row];
    }
    if (unit.number == 1) {
        rows.status[0] = pipeline::RowStatus::diverged;
        rows.restored[0].fill_(not_defined);
        rows.psnr[0] = rows.ssim[0] = rows.lpips[0] = rows.psnr_unobserved[0] = rows.residual[0] = not_defined;
    }
    pipeline::commit_unit_file(folder(), file);
}

void MadeCampaign::journal(double seconds) const {
    jobs::Journal journal(folder());
    for (const std::int64_t unit : campaign_->committed()) {
        journal.append({.event = "committed", .unit = unit, .rank = 1, .time = 0, .seconds = seconds});
    }
    journal.sync();
}
