#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/data/hdf5.h"

namespace jobs {

/// The columns of a results.h5 that reports draw on, a value per row. Images stay in the file.
struct ResultRows {
    std::int64_t count = 0;
    std::vector<std::string> image_name, method, operator_name, respacing;
    std::vector<std::int64_t> image_index, sample, nfe, status;
    std::vector<double> sigma_y, psnr, ssim, lpips, psnr_measurement, psnr_unobserved, residual, seconds;
    /// The settings SECTION_OPTION that are axes of a sweep; NaN or "" where they do not apply.
    std::map<std::string, std::variant<std::vector<double>, std::vector<std::string>>> settings;
    std::string lpips_net;
    double poisson_rate = 0;  ///< > 0: the noise is photon noise, and sigma_y is 0.
    std::int64_t units_missing = 0;

    /// A setting of one row as a job file would write it; empty where the row has none.
    std::string setting(const std::string& column, std::int64_t row) const;
};

/// @throws pipeline::FileError  where the file is not one that `merge` wrote
ResultRows read_result_rows(const std::filesystem::path& results);

}  // namespace jobs
