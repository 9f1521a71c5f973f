#include "jobs/results_truth.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <stdexcept>

#include "jobs/results_chunks.h"
#include "pipeline/data/content_file.h"

namespace jobs {

ResultTruth::ResultTruth(pipeline::Hdf5File& results, const SweepPlan& plan)
    : results_(results),
      count_(static_cast<std::int64_t>(plan.images().size())),
      batch_(plan.batch()),
      names_(plan.images().size()),
      hashes_(plan.images().size()),
      is_written_(static_cast<std::size_t>((count_ + batch_ - 1) / batch_), false) {
    const operators::Shape& shape = plan.image_shape();
    const std::vector<std::int64_t> size = {count_, shape.height, shape.width, shape.channels};
    results_.make_dataset("truth", at::kFloat, size, one_image_a_chunk(size, 1));
}

void ResultTruth::add(std::int64_t block, const pipeline::Hdf5File& committed,
                      const pipeline::MeasurementFile& content) {
    if (is_written_[static_cast<std::size_t>(block)]) return;
    is_written_[static_cast<std::size_t>(block)] = true;
    const std::int64_t first = block * batch_;
    copy_chunks({.file = committed,
                 .name = "truth",
                 .images = content.truth.size(0),
                 .is_shuffled = !pipeline::is_on_8_bit_levels(content.truth)},
                {.file = results_, .name = "truth", .leading = {first}});
    // Copied unread: one image is looked at, so that a layout that has changed cannot go unnoticed.
    const at::Tensor expected = pipeline::to_channel_last(content.truth.narrow(0, 0, 1));
    if (!at::equal(results_.read_rows("truth", first, 1).nan_to_num(), expected.nan_to_num())) {
        throw std::logic_error("results: truth was not copied as it is stored");
    }
    std::ranges::copy(content.image_name, names_.begin() + first);
    std::ranges::copy(content.image_hash, hashes_.begin() + first);
}

void ResultTruth::finish() {
    for (std::size_t block = 0; block < is_written_.size(); ++block) {
        if (is_written_[block]) continue;
        const std::int64_t first = static_cast<std::int64_t>(block) * batch_;
        write_missing({.file = results_, .name = "truth", .leading = {first}}, std::min(batch_, count_ - first));
    }
    int axis = 0;
    for (const char* scale : {"image", "y", "x", "channel"}) results_.attach_scale("truth", axis++, scale);
    results_.set_attribute("truth", "long_name", std::string("clean image"));
    results_.set_attribute("truth", "units", std::string("1"));
    results_.set_attribute("truth", "valid_range", std::vector<double>{-1, 1});
    results_.write_strings("truth_name", names_);
    results_.set_attribute("truth_name", "long_name", std::string("name of the image in its dataset"));
    results_.write_strings("truth_sha256", hashes_);
    results_.set_attribute("truth_sha256", "long_name", std::string("SHA-256 of the image's source"));
    for (const char* name : {"truth_name", "truth_sha256"}) results_.attach_scale(name, 0, "image");
}

}  // namespace jobs
