#include "jobs/sweep_plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

#include "jobs/job_error.h"
#include "jobs/plan_expansion.h"
#include "jobs/plan_json.h"
#include "operators/make_operator.h"
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
                       pipeline::printable(job.measurements.empty() ? job.dataset : job.measurements) + " has " +
                       std::to_string(size) + " images; allowed: 0-" + std::to_string(size - 1));
    }
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(last - first + 1));
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

/// Images of equal sizes, in the order of their first ones.
std::vector<ImageGroup> groups_of(const pipeline::Dataset& dataset, const std::vector<std::int64_t>& images) {
    std::vector<ImageGroup> groups;
    std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> places;
    for (const std::int64_t image : images) {
        const pipeline::ImageHeader header = dataset.header(image);
        const auto [place, is_new] = places.emplace(std::pair(header.height, header.width), groups.size());
        if (is_new) groups.push_back({header.height, header.width, {}});
        groups[place->second].images.push_back(image);
    }
    return groups;
}

std::int64_t rounded_up(std::int64_t side, std::int64_t multiple) {
    return (side + multiple - 1) / multiple * multiple;
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
    plan.batch_ = job.batch.value();
    plan.is_measured_ = !job.measurements.empty();
    plan.size_multiple_ = model.network.size_multiple();
    std::vector<std::int64_t> images = image_numbers(job, dataset);
    if (plan.is_measured_) {
        plan.image_shape_ = {model.network.in_channels, 0, 0};
        plan.set_groups(groups_of(*dataset, images));
    } else {
        plan.image_shape_ = image_shape_of(job, model);
        plan.set_groups({{plan.image_shape_.height, plan.image_shape_.width, std::move(images)}});
    }
    if (dataset != nullptr) check_labels(job, model, *dataset, plan.images_);
    plan.seed_ = job.seed;
    plan.threads_ = job.threads;
    plan.dataset_ = dataset == nullptr ? "" : plan.is_measured_ ? job.measurements : job.dataset;
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

    plan.configurations_ =
        expand({.job = job, .model = model, .dataset = dataset, .plan = plan, .name = job_name(job)});
    plan.find_restored_shapes();
    if (plan.is_measured_) {
        for (const operators::Shape& shape : plan.restored_shapes()) {
            const operators::Shape taken = plan.network_shape(shape);
            if (taken.count() > plan.image_shape_.count()) plan.image_shape_ = taken;
        }
    }
    plan.number_units();
    plan.digest_ = plan_digest(plan);
    return plan;
}

void SweepPlan::set_groups(std::vector<ImageGroup> groups) {
    groups_ = std::move(groups);
    images_.clear();
    first_blocks_.clear();
    first_images_.clear();
    blocks_ = 0;
    for (const ImageGroup& group : groups_) {
        first_blocks_.push_back(blocks_);
        first_images_.push_back(static_cast<std::int64_t>(images_.size()));
        images_.insert(images_.end(), group.images.begin(), group.images.end());
        blocks_ += blocks_of(static_cast<std::int64_t>(group.images.size()), batch_);
    }
}

ImageBlock SweepPlan::block(std::int64_t number) const {
    if (number < 0 || number >= blocks_) throw std::invalid_argument("plan: there is no such block of images");
    // The last group that begins here or before: one without images has no block.
    const auto after = std::ranges::upper_bound(first_blocks_, number);
    const auto group = static_cast<std::size_t>(after - first_blocks_.begin()) - 1;
    const std::int64_t first = (number - first_blocks_[group]) * batch_;
    const auto images = static_cast<std::int64_t>(groups_[group].images.size());
    return {.group = group,
            .first = first_images_[group] + first,
            .first_in_group = first,
            .count = std::min<std::int64_t>(batch_, images - first)};
}

operators::Shape SweepPlan::restored_shape(const pipeline::Configuration& configuration,
                                           const ImageGroup& group) const {
    if (!is_measured_) return image_shape_;
    const operators::OperatorEntry& entry = operators::find_operator(configuration.operator_name);
    const std::int64_t factor = entry.enlargement == nullptr ? 1 : entry.enlargement(configuration.operator_settings);
    return {image_shape_.channels, factor * group.height, factor * group.width};
}

operators::Shape SweepPlan::network_shape(const operators::Shape& restored) const {
    if (!is_measured_) return restored;
    return {restored.channels, rounded_up(restored.height, size_multiple_), rounded_up(restored.width, size_multiple_)};
}

void SweepPlan::find_restored_shapes() {
    std::set<std::pair<std::int64_t, std::int64_t>> seen;
    restored_shapes_.clear();
    for (const PlannedConfiguration& planned : configurations_) {
        for (const ImageGroup& group : groups_) {
            const operators::Shape shape = restored_shape(planned.configuration, group);
            if (seen.emplace(shape.height, shape.width).second) restored_shapes_.push_back(shape);
        }
        if (!is_measured_) break;
    }
}

/// Of a block's images, against the plan's image shape, by which costs are predicted.
double SweepPlan::relative_size(const PlannedConfiguration& planned, std::int64_t block) const {
    if (!is_measured_) return 1;
    const operators::Shape shape =
        network_shape(restored_shape(planned.configuration, groups_[this->block(block).group]));
    return static_cast<double>(shape.count()) / static_cast<double>(image_shape_.count());
}

void SweepPlan::number_units() {
    std::int64_t next = 0;
    for (PlannedConfiguration& planned : configurations_) {
        planned.first_unit = next;
        planned.units = planned.is_generation ? blocks_of(planned.samples, batch_) : planned.samples * blocks_;
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
    pipeline::WorkUnit unit;
    unit.number = number;
    unit.configuration = planned.configuration;
    if (planned.is_generation) {
        unit.block = place;
        unit.image_shape = unit.network_shape = image_shape_;
        const std::int64_t end = std::min(planned.samples, (unit.block + 1) * batch_);
        for (std::int64_t sample = unit.block * batch_; sample < end; ++sample) {
            unit.image_index.push_back(-1);
            unit.sample.push_back(sample);
        }
        return unit;
    }
    unit.block = place % blocks_;
    const ImageBlock block = this->block(unit.block);
    unit.image_shape = restored_shape(planned.configuration, groups_[block.group]);
    unit.network_shape = network_shape(unit.image_shape);
    unit.image_index.assign(images_.begin() + block.first, images_.begin() + block.first + block.count);
    unit.sample.assign(static_cast<std::size_t>(block.count), place / blocks_);
    return unit;
}

std::int64_t SweepPlan::unit_size(std::int64_t number) const {
    const PlannedConfiguration& planned = configuration_of(number);
    const std::int64_t place = number - planned.first_unit;
    if (planned.is_generation) return std::min<std::int64_t>(batch_, planned.samples - place * batch_);
    return block(place % blocks_).count;
}

double SweepPlan::cost(std::int64_t number) const {
    const PlannedConfiguration& planned = configuration_of(number);
    const double cost = planned.cost_per_image * static_cast<double>(unit_size(number));
    return planned.is_generation ? cost : cost * relative_size(planned, (number - planned.first_unit) % blocks_);
}

std::int64_t SweepPlan::rows() const {
    std::int64_t rows = 0;
    for (const PlannedConfiguration& planned : configurations_) {
        rows += planned.samples * (planned.is_generation ? 1 : static_cast<std::int64_t>(images_.size()));
    }
    return rows;
}

}  // namespace jobs
