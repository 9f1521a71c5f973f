#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
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
    /// False of measured images.
    bool has_truth() const { return file_.has("truth"); }
    at::Tensor restored(std::int64_t row) const;
    /// @param image  number in the dataset; undefined where its truth is not known
    at::Tensor truth(std::int64_t image) const;
    /// Channels of y; 0 where the file holds none.
    std::int64_t measured_channels(const MeasuredAs& as) const;
    /// y of these images, undefined where y is not of the images' shape.
    std::vector<at::Tensor> measured(const MeasuredAs& as, const std::vector<std::int64_t>& images) const;

  private:
    /// Which of a measurement group's noise levels this is; NaN is where it was estimated.
    std::optional<std::int64_t> level_of(const std::string& folder, double sigma_y) const;
    /// `measured` where sizes are mixed.
    std::vector<at::Tensor> measured_of_sizes(const std::string& folder, std::int64_t level,
                                              const std::vector<std::int64_t>& images) const;

    pipeline::Hdf5File file_;
    std::int64_t height_, width_;
    std::vector<std::string>
        sizes_;  ///< Of rows, where sizes are mixed, and their places in the datasets of the sizes.
    at::Tensor restored_places_;
    std::map<std::int64_t, std::int64_t> places_;  ///< Of images, along the dimension `image`.
};

}  // namespace jobs
