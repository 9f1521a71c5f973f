#include "jobs/results_measurements.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <limits>

#include "pipeline/data/content_file.h"
#include "pipeline/data/measurement_file.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;
using pipeline::to_channel_last;

pipeline::Hdf5Layout image_chunks(std::vector<std::uint64_t> chunk) {
    return {.chunk = std::move(chunk), .deflate = 1, .shuffle = true, .fletcher32 = true};
}

std::vector<std::uint64_t> chunk_of(const std::vector<std::int64_t>& shape, std::size_t leading) {
    std::vector<std::uint64_t> chunk(shape.begin(), shape.end());
    std::fill_n(chunk.begin(), leading, 1);
    return chunk;
}

/// Truth, names and hashes of the run's images, filled by whichever measurement holds a block first.
class TruthWriter {
  public:
    TruthWriter(Hdf5File& results, const SweepPlan& plan)
        : results_(results),
          count_(static_cast<std::int64_t>(plan.images().size())),
          batch_(plan.batch()),
          names_(plan.images().size()),
          hashes_(plan.images().size()),
          is_written_(static_cast<std::size_t>((count_ + batch_ - 1) / batch_), false) {
        const operators::Shape& shape = plan.image_shape();
        const std::vector<std::int64_t> size = {count_, shape.height, shape.width, shape.channels};
        results_.make_dataset("truth", at::kFloat, size, image_chunks(chunk_of(size, 1)));
    }
    void add(std::int64_t block, const pipeline::MeasurementFile& file) {
        if (is_written_[static_cast<std::size_t>(block)]) return;
        is_written_[static_cast<std::size_t>(block)] = true;
        results_.write_rows("truth", block * batch_, to_channel_last(file.truth));
        for (std::size_t i = 0; i < file.image_name.size(); ++i) {
            names_[static_cast<std::size_t>(block * batch_) + i] = file.image_name[i];
            hashes_[static_cast<std::size_t>(block * batch_) + i] = file.image_hash[i];
        }
    }
    void finish() {
        const at::Tensor missing = at::full({1}, std::numeric_limits<float>::quiet_NaN());
        for (std::size_t block = 0; block < is_written_.size(); ++block) {
            if (is_written_[block]) continue;
            const std::int64_t first = static_cast<std::int64_t>(block) * batch_;
            std::vector<std::int64_t> shape = results_.shape("truth");
            shape[0] = std::min(batch_, count_ - first);
            results_.write_rows("truth", first, missing.expand(shape).contiguous());
        }
        int axis = 0;
        for (const char* scale : {"image", "y", "x", "channel"}) results_.attach_scale("truth", axis++, scale);
        results_.set_attribute("truth", "long_name", std::string("clean image"));
        results_.set_attribute("truth", "units", std::string("1"));
        results_.set_attribute("truth", "valid_range", std::vector<double>{-1, 1});
        results_.write_strings("truth_name", names_);
        results_.write_strings("truth_sha256", hashes_);
        for (const char* name : {"truth_name", "truth_sha256"}) results_.attach_scale(name, 0, "image");
    }

  private:
    Hdf5File& results_;
    std::int64_t count_, batch_;
    std::vector<std::string> names_, hashes_;
    std::vector<bool> is_written_;
};

/// One operator configuration's y over noise levels, with what its operator was drawn with.
class GroupWriter {
  public:
    GroupWriter(Hdf5File& results, const MeasurementGroup& group, const SweepPlan& plan)
        : results_(results), folder_("measurements/" + group.name), plan_(plan) {
        results_.make_group(folder_);
        results_.set_attribute(folder_, "operator", group.operator_name);
        results_.write(folder_ + "/sigma", at::tensor(group.sigma_y, at::kDouble));
        results_.make_scale(folder_ + "/sigma", "sigma");
        results_.set_attribute(folder_ + "/sigma", "long_name", std::string("sigma_y on the [-1, 1] scale"));
        levels_ = static_cast<std::int64_t>(group.sigma_y.size());
    }
    void add(std::int64_t level, std::int64_t block, const pipeline::MeasurementFile& file) {
        const at::Tensor y = to_channel_last(file.y);
        if (!has_y_) make_y(y, file);
        // Rows of the leading axis are [sigma, image] flattened by the file: written level by level.
        y_[static_cast<std::size_t>(level)].narrow(0, block * plan_.batch(), y.size(0)).copy_(y);
        if (level > 0) return;
        for (const auto& [name, values] : file.parameters) add_parameter(name, values, block);
    }
    void finish() {
        if (!has_y_) return;
        for (std::size_t level = 0; level < y_.size(); ++level) {
            results_.write_rows(folder_ + "/y", static_cast<std::int64_t>(level), y_[level].unsqueeze(0));
        }
        for (const auto& [name, values] : parameters_) {
            results_.write(folder_ + "/" + name, values, {});
            if (values.dim() == 3) {
                if (values.size(0) == static_cast<std::int64_t>(plan_.images().size())) attach(name, 0, "image");
                attach(name, 1, "y");
                attach(name, 2, "x");
            }
        }
    }

  private:
    void make_y(const at::Tensor& y, const pipeline::MeasurementFile& file) {
        has_y_ = true;
        const auto images = static_cast<std::int64_t>(plan_.images().size());
        const std::vector<std::int64_t> shape = {levels_, images, y.size(1), y.size(2), y.size(3)};
        results_.make_dataset(folder_ + "/y", at::kFloat, shape, image_chunks(chunk_of(shape, 2)));
        for (std::int64_t level = 0; level < levels_; ++level) {
            y_.push_back(at::full({images, y.size(1), y.size(2), y.size(3)}, std::numeric_limits<float>::quiet_NaN()));
        }
        results_.attach_scale(folder_ + "/y", 0, folder_ + "/sigma");
        attach("y", 1, "image");
        if (file.y.sizes() == file.truth.sizes()) {
            attach("y", 2, "y");
            attach("y", 3, "x");
            attach("y", 4, "channel");
        }
        results_.set_attribute(folder_ + "/y", "long_name", std::string("measurement y = A(x) + noise"));
        results_.set_attribute(folder_ + "/y", "units", std::string("1"));
        results_.set_attribute(folder_, "operator_settings", file.operator_settings);
    }
    void add_parameter(const std::string& name, const at::Tensor& values, std::int64_t block) {
        if (values.dim() != 4) {
            parameters_.emplace(name, values.contiguous());
            return;
        }
        // Masks: one per image, or one for all.
        const at::Tensor masks = values.select(1, 0);
        if (masks.size(0) == 1 && !(plan_.images().size() == 1)) {
            parameters_.emplace(name, masks.contiguous());
            return;
        }
        auto found = parameters_.find(name);
        if (found == parameters_.end()) {
            const auto images = static_cast<std::int64_t>(plan_.images().size());
            found = parameters_
                        .emplace(name, at::full({images, masks.size(1), masks.size(2)},
                                                std::numeric_limits<float>::quiet_NaN()))
                        .first;
        }
        found->second.narrow(0, block * plan_.batch(), masks.size(0)).copy_(masks);
    }
    void attach(const std::string& name, int axis, const std::string& scale) {
        results_.attach_scale(folder_ + "/" + name, axis, scale);
    }

    Hdf5File& results_;
    std::string folder_;
    const SweepPlan& plan_;
    std::int64_t levels_ = 0;
    bool has_y_ = false;
    std::vector<at::Tensor> y_;
    std::map<std::string, at::Tensor> parameters_;
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
    const std::int64_t blocks = (static_cast<std::int64_t>(plan.images().size()) + plan.batch() - 1) / plan.batch();
    TruthWriter truth(results, plan);
    for (const MeasurementGroup& group : measurement_groups(plan)) {
        GroupWriter writer(results, group, plan);
        for (std::size_t level = 0; level < group.sigma_y.size(); ++level) {
            const std::string& label = group.labels.at(group.sigma_y[level]);
            for (std::int64_t block = 0; block < blocks; ++block) {
                const std::filesystem::path path = campaign.folder() / pipeline::measurement_path(label, block);
                if (!std::filesystem::exists(path)) continue;
                const pipeline::MeasurementFile file = pipeline::read_measurement_file(campaign.folder(), label, block);
                truth.add(block, file);
                writer.add(static_cast<std::int64_t>(level), block, file);
                digests.push_back(std::get<std::string>(Hdf5File::open(path).attribute("", "content_digest").value()));
            }
        }
        writer.finish();
    }
    truth.finish();
    return digests;
}

}  // namespace jobs
