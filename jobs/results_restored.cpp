#include "jobs/results_restored.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include "jobs/results_copied_images.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

std::string size_words(const operators::Shape& shape) {
    return std::to_string(shape.height) + "x" + std::to_string(shape.width);
}

}  // namespace

std::string size_suffix(const SweepPlan& plan, const operators::Shape& shape) {
    return plan.restored_shapes().size() > 1 ? "_" + size_words(shape) : "";
}

void write_axis(Hdf5File& results, const std::string& name, std::int64_t extent, const std::string& long_name) {
    results.write(name, at::arange(extent, at::kLong));
    results.make_scale(name, name);
    results.set_attribute(name, "long_name", long_name);
}

ResultRestored::ResultRestored(Hdf5File& results, const SweepPlan& plan, const std::vector<std::int64_t>& units)
    : results_(results), plan_(plan), is_mixed_(plan.restored_shapes().size() > 1) {
    std::int64_t all = 0;
    std::map<std::string, std::int64_t> rows;
    for (const std::int64_t number : units) {
        const pipeline::WorkUnit unit = plan.unit(number);
        const auto count = static_cast<std::int64_t>(unit.image_index.size());
        all += count;
        rows[size_words(unit.image_shape)] += count;
    }
    write_axis(results_, "row", all, "restored image");
    write_axis(results_, "channel", plan.image_shape().channels, "colour channel");
    if (!is_mixed_) {
        const std::vector<operators::Shape> shapes = plan.restored_shapes();
        make_dataset(shapes.empty() ? plan.image_shape() : shapes.front(), all);
        return;
    }
    for (const operators::Shape& shape : plan.restored_shapes()) make_dataset(shape, rows[size_words(shape)]);
}

void ResultRestored::make_dataset(const operators::Shape& shape, std::int64_t rows) {
    const std::string suffix = is_mixed_ ? "_" + size_words(shape) : "", name = "restored" + suffix;
    if (is_mixed_) write_axis(results_, "row" + suffix, rows, "restored image of this size");
    write_axis(results_, "y" + suffix, shape.height, "row of pixels");
    write_axis(results_, "x" + suffix, shape.width, "column of pixels");
    const bool is_float = plan_.store() == pipeline::Store::float32;
    // The layout of unit files: their compressed chunks are copied as they are.
    const std::vector<std::int64_t> size = {rows, shape.height, shape.width, shape.channels};
    sizes_.emplace(size_words(shape), OfSize{{results_, name, is_float ? at::kFloat : at::kByte, size, 1, is_float}});
    results_.attach_scale(name, 0, "row" + suffix);
    results_.attach_scale(name, 1, "y" + suffix);
    results_.attach_scale(name, 2, "x" + suffix);
    // A scale of each size's own: HDF5 lets one scale serve some four thousand datasets.
    if (is_mixed_) write_axis(results_, "channel" + suffix, shape.channels, "colour channel");
    results_.attach_scale(name, 3, "channel" + suffix);
    results_.set_attribute(name, "long_name", std::string("restored image"));
    results_.set_attribute(name, "units", std::string("1"));
    if (is_float) {
        results_.set_attribute(name, "valid_range", std::vector<double>{-1, 1});
    } else {
        // v / 127.5 − 1 is the value on [−1, 1]; readers of CF apply it by themselves.
        results_.set_attribute(name, "scale_factor", 1 / 127.5);
        results_.set_attribute(name, "add_offset", -1.0);
        results_.set_attribute(name, "valid_range", std::vector<std::int64_t>{0, 255});
    }
}

void ResultRestored::add(const pipeline::PackedUnit& unit) {
    const std::vector<std::int64_t>& shape = unit.restored.shape();
    const std::string words = size_words({shape[3], shape[1], shape[2]});
    const auto found = sizes_.find(words);
    if (found == sizes_.end()) {
        throw pipeline::FileError(unit.restored.file(), "holds images of " + words + ", which are not planned");
    }
    OfSize& of_size = found->second;
    of_size.images.copy(unit.restored, {of_size.rows});
    for (std::int64_t image = 0; image < unit.restored.count(); ++image, ++of_size.rows) {
        if (!is_mixed_) continue;  // a row's place is its number
        size_.push_back(words);
        place_.push_back(of_size.rows);
    }
}

void ResultRestored::finish() {
    for (auto& [size, of_size] : sizes_) of_size.images.finish();
    if (!is_mixed_) return;
    results_.write_strings("restored_size", size_);
    results_.set_attribute("restored_size", "long_name",
                           std::string("HEIGHTxWIDTH of the restored image: it stands in restored_HEIGHTxWIDTH"));
    results_.write("restored_place", at::tensor(place_, at::kLong));
    results_.set_attribute("restored_place", "long_name", std::string("its place along the first axis there"));
    for (const char* name : {"restored_size", "restored_place"}) results_.attach_scale(name, 0, "row");
}

}  // namespace jobs
