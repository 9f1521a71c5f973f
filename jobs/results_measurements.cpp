#include "jobs/results_measurements.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "jobs/file_place.h"
#include "jobs/results_copied_images.h"
#include "jobs/results_truth.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/measurement_file.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

/// A committed measurement and its place.
struct PlacedMeasurement {
    std::int64_t level = 0;
    std::int64_t first = 0;  ///< Place of its first image along the images of its size.
    const pipeline::PackedMeasurement& file;
};

/// One operator configuration's y over noise levels, with what its operator was drawn with, for the images of one size.
class GroupWriter {
  public:
    /// @param suffix  of all names but `sigma`, where sizes are mixed
    GroupWriter(Hdf5File& results, const MeasurementGroup& group, const SweepPlan& plan, const ImageGroup& images,
                const std::string& suffix)
        : results_(results),
          folder_("measurements/" + group.name),
          suffix_(suffix),
          image_(plan.is_measured() ? operators::Shape{plan.image_shape().channels, images.height, images.width}
                                    : plan.image_shape()),
          images_(static_cast<std::int64_t>(images.images.size())),
          batch_(plan.batch()),
          levels_(static_cast<std::int64_t>(group.sigma_y.size())) {
        if (!results_.has(folder_)) {
            results_.make_group(folder_);
            results_.set_attribute(folder_, "operator", group.operator_name);
            scale("sigma", at::tensor(group.sigma_y, at::kDouble));
            results_.set_attribute(folder_ + "/sigma", "long_name", std::string("sigma_y on the [-1, 1] scale"));
            results_.set_attribute(folder_ + "/sigma", "units", std::string("1"));
        }
        if (suffix_.empty() || results_.has("image" + suffix_)) return;
        results_.write("image" + suffix_, at::tensor(images.images, at::kLong));
        results_.make_scale("image" + suffix_, "image" + suffix_);
        results_.set_attribute("image" + suffix_, "long_name",
                               std::string("number in its dataset of an image whose measurement has this size"));
    }

    void add(const PlacedMeasurement& measured) {
        if (!y_) make_y(measured.file);
        y_->copy(measured.file.y, {measured.level, measured.first});
        written_.insert({measured.level, measured.first});

        // Masks and kernels are the same at every noise level.
        if (!has_parameters_.insert(measured.first).second) return;
        for (const auto& [name, values] : measured.file.content.parameters) {
            const std::string place = folder_ + "/" + name;
            if (shared_.insert(place).second && !results_.has(place)) write_shared(place, values, name);
        }
        for (const auto& [name, images] : measured.file.parameters) add_images(name, images, measured);
    }

    /// What is not there yet stays NaN.
    void finish() {
        if (!y_) return;
        for (std::int64_t first = 0; first < images_; first += batch_) {
            const std::int64_t count = std::min(batch_, images_ - first);
            for (std::int64_t level = 0; level < levels_; ++level) {
                if (written_.contains({level, first})) continue;
                y_->fill_missing({level, first}, count);
            }
            if (has_parameters_.contains(first)) continue;
            for (auto& [name, images] : per_image_) images.fill_missing({first}, count);
        }
        y_->finish();
        for (auto& [name, images] : per_image_) images.finish();
    }

  private:
    std::string y_name() const { return folder_ + "/y" + suffix_; }

    void make_y(const pipeline::PackedMeasurement& file) {
        const std::string name = y_name();
        const std::vector<std::int64_t>& y = file.y.shape();
        const std::vector<std::int64_t> shape = {levels_, images_, y[1], y[2], y[3]};
        y_.emplace(results_, name, at::kFloat, shape, 2);
        // A scale of each size's own: HDF5 lets one scale serve some four thousand datasets.
        const std::string sigma = "sigma" + suffix_;
        if (!results_.has(folder_ + "/" + sigma)) scale(sigma, results_.read(folder_ + "/sigma"));
        results_.attach_scale(name, 0, folder_ + "/" + sigma);
        results_.attach_scale(name, 1, "image" + suffix_);
        attach(name, 2, {image_.height, image_.width, image_.channels}, "measured_", suffix_);
        results_.set_attribute(name, "long_name", std::string("measurement y = A(x) + noise"));
        results_.set_attribute(name, "units", std::string("1"));
        results_.set_attribute(folder_, "operator_settings", file.content.operator_settings);
    }

    /// [N, 1, H, W] is one for each image, [1, 1, H, W] for a block of several images one for all.
    void add_images(const std::string& parameter, const pipeline::PackedImages& images,
                    const PlacedMeasurement& measured) {
        const std::string name = folder_ + "/" + parameter + suffix_;
        if (shared_.contains(name)) return;
        const std::int64_t count = measured.file.y.count();
        auto dataset = per_image_.find(name);
        if (dataset == per_image_.end()) {
            if (images.count() == 1 && count > 1) {
                shared_.insert(name);
                write_shared(name, images.unpacked().select(0, 0).select(0, 0), parameter);
                return;
            }
            const std::vector<std::int64_t> shape = {images_, images.shape()[2], images.shape()[3]};
            dataset = per_image_.emplace(name, CopiedImages(results_, name, images.type(), shape, 1, false)).first;
            results_.attach_scale(name, 0, "image" + suffix_);
            attach(name, 1, {image_.height, image_.width}, parameter + "_", suffix_);
            explain(name, parameter);
        }
        // One for all, of a block that came after one of a single image: to each image the same.
        const std::int64_t copies = images.count() == 1 ? count : 1;
        for (std::int64_t copy = 0; copy < copies; ++copy) {
            dataset->second.copy(images, {measured.first + copy});
        }
    }

    void write_shared(const std::string& name, const at::Tensor& values, const std::string& parameter) {
        results_.write(name, values.contiguous());
        if (values.dim() == 2) attach(name, 0, {image_.height, image_.width}, parameter + "_", "");
        explain(name, parameter);
    }

    void explain(const std::string& name, const std::string& parameter) {
        results_.set_attribute(
            name, "long_name",
            parameter == "mask" ? "mask of the operator, 1 where a pixel is observed" : parameter + " of the operator");
        results_.set_attribute(name, "units", std::string("1"));
    }

    /// Gives the axes from `first` on scales of this group: `pixel_y` … where the extents are the images', else ones of
    /// the dataset's own. The root's `y` cannot serve here: xarray refuses a variable `y` beside a dimension `y`.
    /// @param own_suffix  of dimensions that are the dataset's own
    void attach(const std::string& name, int first, const std::vector<std::int64_t>& image_extents,
                const std::string& own_prefix, const std::string& own_suffix) {
        constexpr const char* axis_names[] = {"y", "x", "channel"};
        const std::vector<std::int64_t> shape = results_.shape(name);
        const bool is_image_like =
            std::equal(image_extents.begin(), image_extents.end(), shape.begin() + first, shape.end());
        for (std::size_t axis = 0; axis < image_extents.size(); ++axis) {
            const std::string dimension = is_image_like ? std::string("pixel_") + axis_names[axis] + suffix_
                                                        : own_prefix + axis_names[axis] + own_suffix;
            const std::int64_t extent = shape[static_cast<std::size_t>(first) + axis];
            if (!results_.has(folder_ + "/" + dimension)) scale(dimension, at::arange(extent, at::kLong));
            results_.attach_scale(name, first + static_cast<int>(axis), folder_ + "/" + dimension);
        }
    }

    void scale(const std::string& dimension, const at::Tensor& values) {
        results_.write(folder_ + "/" + dimension, values);
        results_.make_scale(folder_ + "/" + dimension, dimension);
    }

    Hdf5File& results_;
    std::string folder_, suffix_;
    operators::Shape image_;
    std::int64_t images_, batch_, levels_;
    std::set<std::pair<std::int64_t, std::int64_t>> written_;  ///< Level and first image of y.
    std::set<std::int64_t> has_parameters_;                    ///< First images.
    std::optional<CopiedImages> y_;
    // Parameters by their full names: one for all images, and those with one entry an image.
    std::set<std::string> shared_;
    std::map<std::string, CopiedImages> per_image_;
};

}  // namespace

std::vector<MeasurementGroup> measurement_groups(const SweepPlan& plan) {
    std::vector<MeasurementGroup> groups;
    for (const PlannedConfiguration& planned : plan.configurations()) {
        if (planned.is_generation) continue;
        const pipeline::Configuration& configuration = planned.configuration;
        const std::string name = configuration.operator_label();
        auto group = std::ranges::find(groups, name, &MeasurementGroup::name);
        if (group == groups.end()) {
            group = groups.insert(
                group, {.name = name, .operator_name = configuration.operator_name, .sigma_y = {}, .labels = {}});
        }
        if (group->labels.emplace(configuration.sigma_y, configuration.measurement_label()).second) {
            group->sigma_y.push_back(configuration.sigma_y);
            std::ranges::sort(group->sigma_y);
        }
    }
    return groups;
}

void write_measurements(Hdf5File& results, const Campaign& campaign, pipeline::Sha256& digest) {
    const SweepPlan& plan = campaign.plan();
    if (plan.images().empty()) return;
    ResultTruth truth(results, plan);
    std::map<std::string, const PlannedConfiguration*> readers;  // of each label: any that reads it
    for (const PlannedConfiguration& planned : plan.configurations()) {
        if (!planned.is_generation) readers.emplace(planned.configuration.measurement_label(), &planned);
    }
    for (const MeasurementGroup& group : measurement_groups(plan)) {
        std::vector<GroupWriter> writers;
        for (const ImageGroup& images : plan.groups()) {
            const std::string suffix = plan.groups().size() > 1
                                           ? "_" + std::to_string(images.height) + "x" + std::to_string(images.width)
                                           : "";
            writers.emplace_back(results, group, plan, images, suffix);
        }
        for (std::size_t level = 0; level < group.sigma_y.size(); ++level) {
            const std::string& label = group.labels.at(group.sigma_y[level]);
            for (std::int64_t block = 0; block < plan.block_count(); ++block) {
                const std::filesystem::path path = campaign.folder() / pipeline::measurement_path(label, block);
                if (!std::filesystem::exists(path)) continue;
                const pipeline::PackedMeasurement file =
                    pipeline::read_packed_measurement(campaign.folder(), label, block);
                std::optional<std::string> wrong =
                    misplaced(file.content, plan.unit(readers.at(label)->first_unit + block));
                if (!wrong && file.truth.shape().empty() != plan.is_measured()) wrong = "holds truth, or lacks it";
                if (wrong) throw pipeline::FileError(path, *wrong);
                const ImageBlock place = plan.block(block);
                truth.add(block, file);
                writers[place.group].add({static_cast<std::int64_t>(level), place.first_in_group, file});
                digest.update(file.content_digest);
            }
        }
        for (GroupWriter& writer : writers) writer.finish();
    }
    truth.finish();
}

}  // namespace jobs
