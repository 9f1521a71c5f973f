#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "jobs/report/result_points.h"
#include "pipeline/data/hdf5.h"

namespace jobs {

/// The images of a results file, [y, x, channel], float32 on [−1, 1], read one at a time.
class ResultImages {
  public:
    explicit ResultImages(const std::filesystem::path& results);

    /// 0 where sizes are mixed.
    std::int64_t height() const { return height_; }
    std::int64_t width() const { return width_; }
    std::int64_t channels() const { return channels_; }
    /// False of measured images.
    bool has_truth() const { return file_.has("truth"); }
    at::Tensor restored(std::int64_t row) const;
    /// @param image  number in the dataset; undefined where its truth is not known
    at::Tensor truth(std::int64_t image) const;
    /// Channels of y; 0 where the file holds none.
    std::int64_t measured_channels(const MeasuredAs& as) const;
    /// Height and width of a row's image.
    std::pair<std::int64_t, std::int64_t> restored_size(std::int64_t row) const;
    /// y of an image as one row of its point was restored from it; undefined where it is no image of that row's size.
    at::Tensor measured(const MeasuredAs& as, std::int64_t image, std::int64_t row) const;

  private:
    /// Which of a measurement group's noise levels this is; NaN is where it was estimated.
    std::optional<std::int64_t> level_of(const std::string& folder, double sigma_y) const;
    /// Numbers of images along a scale, with their places.
    std::map<std::int64_t, std::int64_t> places_in(const std::string& scale) const;
    /// Of the images of one size ("_480x640"), read once.
    const std::map<std::int64_t, std::int64_t>& places_of_size(const std::string& size) const;

    pipeline::Hdf5File file_;
    bool is_mixed_;  ///< Restored images differ in size.
    std::int64_t height_ = 0, width_ = 0, channels_ = 0;
    std::vector<std::string> sizes_;  ///< Of mixed rows, and their places in the datasets of the sizes.
    at::Tensor restored_places_;
    mutable std::map<std::string, std::map<std::int64_t, std::int64_t>> places_of_sizes_;
    std::map<std::int64_t, std::int64_t> places_;  ///< Of images, along the dimension `image`.
};

}  // namespace jobs
