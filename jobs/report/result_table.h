#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace jobs {

/// Mean over images with its standard error s/√n; NaN where it is not defined.
struct Mean {
    double value = 0;
    double standard_error = 0;
};

/// One line of the table: a method at one operator and noise level.
struct TableLine {
    std::string method, operator_label;
    double sigma_y = 0;
    std::int64_t images = 0;  ///< Rows that count: neither diverged nor unreadable.
    std::int64_t diverged = 0;
    std::int64_t unreadable = 0;
    Mean psnr, ssim, lpips;
    std::int64_t nfe = 0;
    double seconds = 0;  ///< Per image.
};

/// The lines of a results file, grouped by operator and noise level, methods in the job's order; for each group first
/// the measurement itself where it is an image.
std::vector<TableLine> table_lines(const std::filesystem::path& results);

/// The table as text: PSNR, SSIM, LPIPS as mean ± standard error, NFE, seconds per image; then what diverged or is
/// missing.
std::string result_table(const std::filesystem::path& results);

}  // namespace jobs
