#include "jobs/sweep_plan.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "jobs/job_error.h"
#include "jobs/plan_expansion.h"
#include "jobs/plan_json.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/sha256.h"

namespace jobs {

namespace {

using operators::Shape;

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

/// The word itself for `embedded` and `none`.
std::string lpips_digest(const Job& job) {
    if (job.lpips == "none" || job.lpips == "embedded") return job.lpips;
    try {
        return pipeline::sha256_of_file(job.lpips);
    } catch (const pipeline::FileError& error) {
        throw JobError(job_name(job) + ": lpips: " + error.what() + "; allowed: embedded, none, or a safetensors file");
    }
}

std::int64_t blocks_of(std::int64_t images, int batch) {
    return (images + batch - 1) / batch;
}

/// A class where the network wants one, and only there.
void check_class(const Job& job, const pipeline::ModelDescription& model) {
    const int classes = model.network.classes;
    const std::string shown = job_name(job) + ": class";
    if (classes == 0) {
        if (job.class_label.empty()) return;
        throw JobError(shown + " = " + job.class_label + ": the network knows no classes; allowed: none");
    }
    const std::string allowed = "; allowed: 0 to " + std::to_string(classes - 1) + ", dataset";
    if (job.class_label.empty()) throw JobError(shown + " is not given, the network is conditional on one" + allowed);
    if (job.class_label != "dataset" && std::stoll(job.class_label) >= classes) {
        throw JobError(shown + " = " + job.class_label + ": the network has " + std::to_string(classes) + " classes" +
                       allowed);
    }
}

/// The dataset's own classes are classes of the network.
void check_labels(const Job& job, const pipeline::ModelDescription& model, const pipeline::Dataset& dataset,
                  const std::vector<std::int64_t>& images) {
    if (job.class_label != "dataset") return;
    const std::vector<std::int64_t> labels = dataset.labels(images);
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] >= 0 && labels[i] < model.network.classes) continue;
        throw JobError(job_name(job) + ": class = dataset: image " + pipeline::printable(dataset.name(images[i])) +
                       " has class " + std::to_string(labels[i]) + ", the network has 0 to " +
                       std::to_string(model.network.classes - 1));
    }
}

}  // namespace

SweepPlan SweepPlan::make(const Job& job, const pipeline::ModelDescription& model, const pipeline::Dataset* dataset,
                          const std::string& model_sha256) {
    check_class(job, model);
    SweepPlan plan;
    plan.images_ = image_numbers(job, dataset);
    plan.image_shape_ = image_shape_of(job, model);
    if (dataset != nullptr) check_labels(job, model, *dataset, plan.images_);
    plan.seed_ = job.seed;
    plan.batch_ = job.batch.value();
    plan.threads_ = job.threads;
    plan.dataset_ = dataset == nullptr ? "" : job.dataset;
    plan.dataset_digest_ = dataset == nullptr ? "" : dataset->digest();
    plan.model_ = job.model;
    plan.model_preset_ = job.model_preset;
    plan.model_sha256_ = model_sha256;
    plan.model_settings_ = pipeline::settings_text(model);
    plan.lpips_ = job.lpips;
    plan.lpips_sha256_ = lpips_digest(job);
    plan.device_ = job.device;
    plan.precision_ = job.precision;
    plan.store_ = job.store;
    plan.job_text_ = job.text;

    plan.configurations_ = expand({.job = job,
                                   .model = model,
                                   .dataset = dataset,
                                   .image = plan.image_shape_,
                                   .images = plan.images_,
                                   .name = job_name(job)});
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

int SweepPlan::configuration_index(std::int64_t unit) const {
    return static_cast<int>(&configuration_of(unit) - configurations_.data());
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
