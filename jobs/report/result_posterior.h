#pragma once

#include <array>
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

/// A column of the group `posterior`.
struct PosteriorColumn {
    const char* name;
    const char* title;
    int digits;
};
inline constexpr std::array posterior_columns = {
    PosteriorColumn{"samples", "samples", 0},           PosteriorColumn{"psnr", "PSNR of mean", 2},
    PosteriorColumn{"ssim", "SSIM of mean", 3},         PosteriorColumn{"lpips", "LPIPS of mean", 3},
    PosteriorColumn{"residual", "residual of mean", 3}, PosteriorColumn{"spread", "spread", 3},
    PosteriorColumn{"coverage_50", "truth in 50 %", 3}, PosteriorColumn{"coverage_90", "truth in 90 %", 3},
    PosteriorColumn{"coverage_95", "truth in 95 %", 3}};

/// What several samples of one measurement come to: the group `posterior` of a results.h5, an entry for each
/// configuration and image with two samples or more. A file without the group has no entries.
class ResultPosterior {
  public:
    /// @throws pipeline::Hdf5Error  where the group is there and is not what it should be
    ResultPosterior(const std::filesystem::path& results, const ResultRows& rows,
                    const std::vector<ResultPoint>& points);

    bool is_empty() const { return entries_.empty(); }
    /// Of an image at a point; nothing where it has no entry.
    std::optional<std::int64_t> entry(std::size_t point, std::int64_t image) const;
    /// All entries of a point.
    std::vector<std::int64_t> entries(std::size_t point) const;
    /// A number of an entry; NaN where the file has no such column.
    double value(const PosteriorColumn& column, std::int64_t entry) const;

    /// The share of an image's pixels at which 0, 1, … samples are below the truth, its mean over a point's entries;
    /// empty where the file holds none.
    std::vector<double> rank_histogram(std::size_t point) const;

    /// [y, x, channel] on [−1, 1]; undefined where the file holds none.
    at::Tensor mean(std::int64_t entry) const;
    /// [y, x, channel], standard deviation over samples on the [−1, 1] scale; undefined likewise.
    at::Tensor standard_deviation(std::int64_t entry) const;

  private:
    at::Tensor image(const std::string& name, std::int64_t entry) const;
    std::vector<std::string> sizes_;         ///< Of entries, where sizes are mixed,
    std::vector<std::int64_t> size_places_;  ///< and their places in the datasets of the sizes.
    pipeline::Hdf5File file_;
    std::map<std::pair<std::size_t, std::int64_t>, std::int64_t> entries_;  ///< By point and image.
    std::map<std::string, std::vector<double>> columns_;
};

}  // namespace jobs
