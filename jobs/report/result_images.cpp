#include "jobs/report/result_images.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace jobs {

ResultImages::ResultImages(const std::filesystem::path& results)
    : file_(pipeline::Hdf5File::open(results)),
      height_(file_.has("restored") ? file_.shape("restored").at(1) : 0),
      width_(file_.has("restored") ? file_.shape("restored").at(2) : 0) {
    if (height_ == 0) {
        sizes_ = file_.read_strings("restored_size");
        restored_places_ = file_.read("restored_place").contiguous();
    }
    if (!file_.has("image")) return;
    const at::Tensor numbers = file_.read("image").contiguous();
    for (std::int64_t place = 0; place < numbers.numel(); ++place) {
        places_[numbers.const_data_ptr<std::int64_t>()[place]] = place;
    }
}

at::Tensor ResultImages::restored(std::int64_t row) const {
    const bool is_mixed = !sizes_.empty();
    const auto place = static_cast<std::size_t>(row);
    const at::Tensor image = (is_mixed ? file_.read_rows("restored_" + sizes_[place],
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

std::vector<at::Tensor> ResultImages::measured(const MeasuredAs& as, const std::vector<std::int64_t>& images) const {
    std::vector<at::Tensor> found(images.size());
    const std::string folder = "measurements/" + as.group;
    if (!file_.has(folder + "/sigma")) return found;
    const std::optional<std::int64_t> level = level_of(folder, as.sigma_y);
    if (!level) return found;
    if (!file_.has(folder + "/y")) return measured_of_sizes(folder, *level, images);
    const std::vector<std::int64_t> shape = file_.shape(folder + "/y");
    if (shape.size() != 5 || shape[2] != height_ || shape[3] != width_ || (shape[4] != 1 && shape[4] != 3))
        return found;
    const at::Tensor y = file_.read_rows(folder + "/y", *level, 1).select(0, 0);
    for (std::size_t i = 0; i < images.size(); ++i) found[i] = y.select(0, places_.at(images[i])).clone();
    return found;
}

std::vector<at::Tensor> ResultImages::measured_of_sizes(const std::string& folder, std::int64_t level,
                                                        const std::vector<std::int64_t>& images) const {
    std::vector<at::Tensor> found(images.size());
    for (const std::string& name : file_.children(folder)) {
        if (!name.starts_with("y_")) continue;
        const std::string size = name.substr(2);
        // Where what is restored is larger, y is no image beside it.
        if (!file_.has("restored_" + size) || !file_.has("image_" + size)) continue;
        const at::Tensor numbers = file_.read("image_" + size).contiguous();
        at::Tensor y;
        for (std::int64_t place = 0; place < numbers.numel(); ++place) {
            const auto wanted = std::ranges::find(images, numbers.const_data_ptr<std::int64_t>()[place]);
            if (wanted == images.end()) continue;
            if (!y.defined()) y = file_.read_rows(folder + "/" + name, level, 1).select(0, 0);
            found[static_cast<std::size_t>(wanted - images.begin())] = y.select(0, place).clone();
        }
    }
    return found;
}

}  // namespace jobs
