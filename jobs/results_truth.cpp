#include "jobs/results_truth.h"

#include <ATen/ops/tensor.h>

#include <algorithm>

namespace jobs {

ResultTruth::ResultTruth(pipeline::Hdf5File& results, const SweepPlan& plan)
    : results_(results),
      plan_(plan),
      names_(plan.images().size()),
      hashes_(plan.images().size()),
      channels_(plan.images().size(), 0),
      bits_(plan.images().size(), 0),
      is_written_(static_cast<std::size_t>(plan.block_count()), false) {
    if (plan.is_measured()) return;
    const operators::Shape& shape = plan.image_shape();
    const std::vector<std::int64_t> size = {static_cast<std::int64_t>(plan.images().size()), shape.height, shape.width,
                                            shape.channels};
    truth_.emplace(results_, "truth", at::kFloat, size, 1);
}

void ResultTruth::add(std::int64_t block, const pipeline::PackedMeasurement& measured) {
    if (is_written_[static_cast<std::size_t>(block)]) return;
    is_written_[static_cast<std::size_t>(block)] = true;
    const ImageBlock place = plan_.block(block);
    const pipeline::MeasurementFile& content = measured.content;
    if (plan_.is_measured()) {
        std::ranges::copy(content.source_channels, channels_.begin() + place.first);
        std::ranges::copy(content.source_bits, bits_.begin() + place.first);
    } else {
        truth_->copy(measured.truth, {place.first});
    }
    std::ranges::copy(content.image_name, names_.begin() + place.first);
    std::ranges::copy(content.image_hash, hashes_.begin() + place.first);
}

void ResultTruth::write_column(const std::string& name, const std::vector<std::int64_t>& values,
                               const std::string& long_name) {
    results_.write(name, at::tensor(values, at::kLong));
    results_.set_attribute(name, "long_name", long_name);
    results_.set_attribute(name, "units", std::string("1"));
    results_.attach_scale(name, 0, "image");
}

void ResultTruth::finish() {
    const std::string prefix = plan_.is_measured() ? "measured_" : "truth_";
    if (plan_.is_measured()) {
        std::vector<std::int64_t> heights, widths;
        for (const ImageGroup& group : plan_.groups()) {
            heights.insert(heights.end(), group.images.size(), group.height);
            widths.insert(widths.end(), group.images.size(), group.width);
        }
        write_column("measured_height", heights, "rows of pixels of the measured image");
        write_column("measured_width", widths, "columns of pixels of the measured image");
        write_column("measured_channels", channels_, "channels of the measured image in its file, 0 where not read");
        write_column("measured_bits", bits_, "bits a channel of the measured image in its file, 0 where not read");
    } else {
        for (std::size_t block = 0; block < is_written_.size(); ++block) {
            if (is_written_[block]) continue;
            const ImageBlock place = plan_.block(static_cast<std::int64_t>(block));
            truth_->fill_missing({place.first}, place.count);
        }
        truth_->finish();
        int axis = 0;
        for (const char* scale : {"image", "y", "x", "channel"}) results_.attach_scale("truth", axis++, scale);
        results_.set_attribute("truth", "long_name", std::string("clean image"));
        results_.set_attribute("truth", "units", std::string("1"));
        results_.set_attribute("truth", "valid_range", std::vector<double>{-1, 1});
    }
    results_.write_strings(prefix + "name", names_);
    results_.set_attribute(prefix + "name", "long_name", std::string("name of the image in its dataset"));
    results_.write_strings(prefix + "sha256", hashes_);
    results_.set_attribute(prefix + "sha256", "long_name", std::string("SHA-256 of the image's source"));
    for (const char* name : {"name", "sha256"}) results_.attach_scale(prefix + name, 0, "image");
}

}  // namespace jobs
