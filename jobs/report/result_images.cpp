#include "jobs/report/result_images.h"

#include <ATen/TensorOperators.h>

#include <cmath>
#include <string>

namespace jobs {

ResultImages::ResultImages(const std::filesystem::path& results)
    : file_(pipeline::Hdf5File::open(results)), is_mixed_(!file_.has("restored")) {
    if (is_mixed_) {
        sizes_ = file_.read_strings("restored_size");
        restored_places_ = file_.read("restored_place").contiguous();
        if (!sizes_.empty()) channels_ = file_.shape("restored_" + sizes_.front()).at(3);
    } else {
        const std::vector<std::int64_t> shape = file_.shape("restored");
        height_ = shape.at(1);
        width_ = shape.at(2);
        channels_ = shape.at(3);
    }
    places_ = places_in("image");
}

std::pair<std::int64_t, std::int64_t> ResultImages::restored_size(std::int64_t row) const {
    if (!is_mixed_) return {height_, width_};
    const std::vector<std::int64_t> shape = file_.shape("restored_" + sizes_.at(static_cast<std::size_t>(row)));
    return {shape.at(1), shape.at(2)};
}

at::Tensor ResultImages::restored(std::int64_t row) const {
    const auto place = static_cast<std::size_t>(row);
    const at::Tensor image = (is_mixed_ ? file_.read_rows("restored_" + sizes_[place],
                                                          restored_places_.const_data_ptr<std::int64_t>()[row], 1)
                                        : file_.read_rows("restored", row, 1))
                                 .select(0, 0);
    return image.scalar_type() == at::kByte ? image.to(at::kFloat).div(127.5).sub(1) : image;
}

at::Tensor ResultImages::truth(std::int64_t image) const {
    const auto place = places_.find(image);
    if (place == places_.end() || !file_.has("truth")) return {};
    return file_.read_rows("truth", place->second, 1).select(0, 0);
}

std::int64_t ResultImages::measured_channels(const MeasuredAs& as) const {
    const std::string folder = "measurements/" + as.group;
    if (!file_.has(folder)) return 0;
    for (const std::string& name : file_.children(folder)) {
        if (name == "y" || name.starts_with("y_")) return file_.shape(folder + "/" + name).back();
    }
    return 0;
}

std::optional<std::int64_t> ResultImages::level_of(const std::string& folder, double sigma_y) const {
    const at::Tensor levels = file_.read(folder + "/sigma").to(at::kDouble).contiguous();
    for (std::int64_t level = 0; level < levels.numel(); ++level) {
        const double here = levels.const_data_ptr<double>()[level];
        if (here == sigma_y || (std::isnan(here) && std::isnan(sigma_y))) return level;
    }
    return std::nullopt;
}

at::Tensor ResultImages::measured(const MeasuredAs& as, std::int64_t image, std::int64_t row) const {
    const std::string folder = "measurements/" + as.group;
    if (!file_.has(folder + "/sigma")) return {};
    const std::optional<std::int64_t> level = level_of(folder, as.sigma_y);
    if (!level) return {};
    // y as large as what was restored of it, alone or in a dataset of its size.
    const auto [height, width] = restored_size(row);
    const std::string size = "_" + std::to_string(height) + "x" + std::to_string(width);
    const bool is_of_size = !file_.has(folder + "/y");
    const std::string name = folder + "/y" + (is_of_size ? size : "");
    if (!file_.has(name)) return {};
    const std::vector<std::int64_t> shape = file_.shape(name);
    if (shape.size() != 5 || shape[2] != height || shape[3] != width || (shape[4] != 1 && shape[4] != 3)) return {};
    const std::map<std::int64_t, std::int64_t>& places = is_of_size ? places_of_size(size) : places_;
    const auto place = places.find(image);
    if (place == places.end()) return {};
    return file_.read_at(name, {*level, place->second});
}

const std::map<std::int64_t, std::int64_t>& ResultImages::places_of_size(const std::string& size) const {
    const auto known = places_of_sizes_.find(size);
    if (known != places_of_sizes_.end()) return known->second;
    return places_of_sizes_[size] = places_in("image" + size);
}

std::map<std::int64_t, std::int64_t> ResultImages::places_in(const std::string& scale) const {
    std::map<std::int64_t, std::int64_t> places;
    if (!file_.has(scale)) return places;
    const at::Tensor numbers = file_.read(scale).contiguous();
    for (std::int64_t place = 0; place < numbers.numel(); ++place) {
        places[numbers.const_data_ptr<std::int64_t>()[place]] = place;
    }
    return places;
}

}  // namespace jobs
