#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "jobs/report/bootstrap.h"
#include "jobs/report/result_points.h"

namespace jobs {

/// A column of the results that reports take means of.
struct Metric {
    const char* name;   ///< Of the column: "psnr"
    const char* title;  ///< "PSNR"
    const char* unit;   ///< "dB"; empty for pure numbers
    std::vector<double> ResultRows::*values;
    bool is_better_higher;
    bool has_best;  ///< Not the residual, whose best is about 1.
    int digits;     ///< After the point, as reports print it.
};

inline constexpr std::array report_metrics = {
    Metric{"psnr", "PSNR", "dB", &ResultRows::psnr, true, true, 2},
    Metric{"ssim", "SSIM", "", &ResultRows::ssim, true, true, 3},
    Metric{"lpips", "LPIPS", "", &ResultRows::lpips, false, true, 3},
    Metric{"psnr_unobserved", "PSNR unobserved", "dB", &ResultRows::psnr_unobserved, true, true, 2},
    Metric{"residual", "residual", "", &ResultRows::residual, false, false, 3}};

/// A number for each image of a point that has any, its samples averaged; by the image's number.
std::map<std::int64_t, double> values_by_image(const ResultRows& rows, const ResultPoint& point, const Metric& metric);

/// The mean over images with what is known of its error: NaN where it is not defined.
struct Statistics {
    std::int64_t images = 0;
    double mean, standard_error;
    Interval interval;  ///< 95 %
};
Statistics statistics_of(const std::vector<double>& values);

/// The differences one − other, image by image.
struct PairedDifference {
    Statistics statistics;  ///< Over the images that both have a number for.
    double share_better;    ///< Of images on which the one is better, ties counted half.
};
PairedDifference paired_difference(const std::map<std::int64_t, double>& one,
                                   const std::map<std::int64_t, double>& other, const Metric& metric);

/// The values of a map, in its order.
std::vector<double> values_of(const std::map<std::int64_t, double>& by_image);

}  // namespace jobs
