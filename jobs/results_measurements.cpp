#include "jobs/results_measurements.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <optional>
#include <set>

#include "jobs/results_chunks.h"
#include "jobs/results_truth.h"
#include "pipeline/data/content_file.h"
#include "pipeline/data/measurement_file.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

/// A committed measurement: its content, and the file to copy chunks from.
struct CommittedMeasurement {
    std::int64_t level = 0;
    std::int64_t first = 0;  ///< Place of its first image along the images of its size.
    const Hdf5File& file;
    const pipeline::MeasurementFile& content;
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

    void add(const CommittedMeasurement& measured) {
        if (!results_.has(y_name())) make_y(measured.content);
        copy_chunks({.file = measured.file,
                     .name = "y",
                     .images = measured.content.y.size(0),
                     .is_shuffled = !pipeline::is_on_8_bit_levels(measured.content.y)},
                    {.file = results_, .name = y_name(), .leading = {measured.level, measured.first}});
        written_.insert({measured.level, measured.first});

        // Masks and kernels are the same at every noise level.
        if (!has_parameters_.insert(measured.first).second) return;
        for (const auto& [name, values] : measured.content.parameters) add_parameter(name, values, measured);
    }

    /// What is not there yet stays NaN.
    void finish() {
        if (!results_.has(y_name())) return;
        for (std::int64_t first = 0; first < images_; first += batch_) {
            const std::int64_t count = std::min(batch_, images_ - first);
            for (std::int64_t level = 0; level < levels_; ++level) {
                if (written_.contains({level, first})) continue;
                write_missing({.file = results_, .name = y_name(), .leading = {level, first}}, count);
            }
            if (has_parameters_.contains(first)) continue;
            for (const std::string& name : per_image_) {
                write_missing({.file = results_, .name = name, .leading = {first}, .is_shuffled = false}, count);
            }
        }
    }

  private:
    std::string y_name() const { return folder_ + "/y" + suffix_; }

    void make_y(const pipeline::MeasurementFile& content) {
        const std::string name = y_name();
        const at::Tensor& y = content.y;
        const std::vector<std::int64_t> shape = {levels_, images_, y.size(2), y.size(3), y.size(1)};
        results_.make_dataset(name, at::kFloat, shape, one_image_a_chunk(shape, 2));
        // A scale of each size's own: HDF5 lets one scale serve some four thousand datasets.
        const std::string sigma = "sigma" + suffix_;
        if (!results_.has(folder_ + "/" + sigma)) scale(sigma, results_.read(folder_ + "/sigma"));
        results_.attach_scale(name, 0, folder_ + "/" + sigma);
        results_.attach_scale(name, 1, "image" + suffix_);
        attach(name, 2, {image_.height, image_.width, image_.channels}, "measured_", suffix_);
        results_.set_attribute(name, "long_name", std::string("measurement y = A(x) + noise"));
        results_.set_attribute(name, "units", std::string("1"));
        results_.set_attribute(folder_, "operator_settings", content.operator_settings);
    }

    void add_parameter(const std::string& parameter, const at::Tensor& values, const CommittedMeasurement& measured) {
        const std::string name = folder_ + "/" + parameter + (values.dim() == 4 ? suffix_ : "");
        if (values.dim() != 4) {
            if (!results_.has(name)) write_shared(name, values, parameter);
            return;
        }
        // [N, 1, H, W] is one for each image, [1, 1, H, W] for a block of several images one for all.
        const std::int64_t count = measured.content.y.size(0);
        const bool is_new = !results_.has(name);
        if (is_new && values.size(0) == 1 && count > 1) {
            write_shared(name, values.select(0, 0).select(0, 0), parameter);
            return;
        }
        if (is_new) {
            const std::vector<std::int64_t> shape = {images_, values.size(2), values.size(3)};
            results_.make_dataset(name, values.scalar_type(), shape, one_image_a_chunk(shape, 1, false));
            results_.attach_scale(name, 0, "image" + suffix_);
            attach(name, 1, {image_.height, image_.width}, parameter + "_", suffix_);
            explain(name, parameter);
            per_image_.insert(name);
        }
        if (!per_image_.contains(name)) return;
        // One for all, of a block that came after one of a single image: to each image the same.
        const std::int64_t copies = values.size(0) == 1 ? count : 1;
        for (std::int64_t copy = 0; copy < copies; ++copy) {
            copy_chunks({.file = measured.file,
                         .name = "parameters/" + parameter,
                         .images = values.size(0),
                         .is_shuffled = false},
                        {.file = results_, .name = name, .leading = {measured.first + copy}, .is_shuffled = false});
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
    std::set<std::string> per_image_;                          ///< Parameters with one entry an image, full names.
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

std::vector<std::string> write_measurements(Hdf5File& results, const Campaign& campaign) {
    const SweepPlan& plan = campaign.plan();
    std::vector<std::string> digests;
    if (plan.images().empty()) return digests;
    ResultTruth truth(results, plan);
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
                std::optional<Hdf5File> opened;
                const pipeline::MeasurementFile content =
                    pipeline::read_measurement_file(campaign.folder(), label, block, &opened);
                const Hdf5File& committed = *opened;
                const ImageBlock place = plan.block(block);
                truth.add(block, committed, content);
                writers[place.group].add({static_cast<std::int64_t>(level), place.first_in_group, committed, content});
                digests.push_back(std::get<std::string>(committed.attribute("", "content_digest").value()));
            }
        }
        for (GroupWriter& writer : writers) writer.finish();
    }
    truth.finish();
    return digests;
}

}  // namespace jobs
