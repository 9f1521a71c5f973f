#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "jobs/report/contact_sheet.h"

namespace jobs {

/// What is written beside the page.
struct ReportFiles {
    bool csv = false;    ///< summary.csv and differences.csv
    bool json = false;   ///< report.json: docs/report.md
    bool latex = false;  ///< table.tex
    bool png = false;    ///< table.png and samples.png; of several runs table-RUN.png
    std::size_t sheet_images = most_sheet_images;
};

/// Writes the report of one run, or the comparison of several, to `page` and the other files into its folder.
/// @return what was written, in order
/// @throws JobError  where a folder is no run's or has nothing to report
/// @throws pipeline::FileError, EnvironmentError
std::vector<std::filesystem::path> write_report(const std::vector<std::filesystem::path>& folders,
                                                const std::filesystem::path& page, const ReportFiles& files);

}  // namespace jobs
