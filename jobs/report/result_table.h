#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace jobs {

/// Mean with its standard error s/√n; NaN where it is not defined.
struct Mean {
    double value = 0;           ///< Over all rows that have the metric.
    double standard_error = 0;  ///< Over images, the samples of an image averaged first; NaN for fewer than two images
};

/// One line of the table: a method at one operator and noise level.
struct TableLine {
    std::string method;          ///< With those of its settings that tell its points apart: "sdedit t-start=200"
    std::string operator_label;  ///< "box size=24"; "none" where images are generated
    double sigma_y = 0;          ///< On the [−1, 1] scale; NaN where images are generated
    std::int64_t rows = 0;       ///< Rows that count: neither diverged nor unreadable.
    std::int64_t images = 0;     ///< Images that these are of; generated images each count.
    std::int64_t diverged = 0;   ///< Rows.
    std::int64_t unreadable = 0;
    Mean psnr = {}, ssim = {}, lpips = {}, residual = {};
    std::int64_t nfe = 0;  ///< Network calls per image
    double seconds = 0;    ///< Per row; NaN where the journal does not know
};

/// The lines of a results file, grouped by operator and noise level, methods in the job's order, generation last. A
/// group begins with its measurement, method "(measurement)", where that is an image.
/// @throws pipeline::FileError  where the file is not one that `merge` wrote
std::vector<TableLine> table_lines(const std::filesystem::path& results);

/// The table as text, with the residual in place of the metrics where nothing is known of the truth, and with what
/// diverged, could not be read or is missing named below.
/// @throws pipeline::FileError  as `table_lines`
std::string result_table(const std::filesystem::path& results);

}  // namespace jobs
