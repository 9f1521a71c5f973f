#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "jobs/report/bootstrap.h"

namespace jobs {

/// One metric of one point of the sweep, over images; several samples of an image are averaged first.
struct SummaryLine {
    std::string method, operator_label;
    double sigma_y = 0;  ///< NaN where images are generated
    std::string metric;  ///< psnr, ssim, lpips, psnr_unobserved, residual
    std::int64_t images = 0;
    double mean = 0, standard_error = 0;
    Interval interval = {};  ///< 95 %
    std::int64_t diverged = 0;
};

/// Two methods on the same measurements: the mean over images of (first − second), each image with itself.
struct DifferenceLine {
    std::string first, second, operator_label;
    double sigma_y = 0;
    std::string metric;
    std::int64_t images = 0;  ///< That both methods have a number for.
    double mean = 0, standard_error = 0;
    Interval interval = {};
    double share_better = 0;  ///< Of images on which the first is better, ties counted half.
};

/// Every point and metric that has a number, in the order of the table.
/// @throws pipeline::FileError  where the file is not one that `merge` wrote
std::vector<SummaryLine> summary_lines(const std::filesystem::path& results);

/// Every pair of methods that saw the same measurements.
std::vector<DifferenceLine> difference_lines(const std::filesystem::path& results);

/// Writes summary.csv and differences.csv, a line for each of the above.
void write_summary(const std::filesystem::path& results, const std::filesystem::path& folder);

/// Both as text: each method's interval, and its difference in PSNR and LPIPS from the method of the highest PSNR.
std::string interval_table(const std::filesystem::path& results);

}  // namespace jobs
