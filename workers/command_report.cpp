#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "jobs/job_error.h"
#include "jobs/report/posterior_table.h"
#include "jobs/report/result_table.h"
#include "jobs/report/summary.h"
#include "jobs/report/write_report.h"
#include "pipeline/data/file_error.h"
#include "workers/commands.h"

namespace workers {

namespace {

/// How many images of an operator the contact sheet shows.
std::size_t images_of(const std::optional<std::string>& given) {
    if (!given) return jobs::most_sheet_images;
    for (std::size_t count = 1; count <= jobs::most_sheet_images; ++count) {
        if (*given == std::to_string(count)) return count;
    }
    throw jobs::JobError("images: '" + *given + "' is not a whole number from 1 to " +
                         std::to_string(jobs::most_sheet_images));
}

/// Where the page goes.
std::filesystem::path page_of(const std::vector<std::string>& folders, const std::optional<std::string>& to) {
    if (!to && folders.size() > 1) {
        throw jobs::JobError("report: " + std::to_string(folders.size()) +
                             " folders are compared in one page, --to FILE says where it goes");
    }
    if (!to) return std::filesystem::path(folders.front()) / "report.html";
    if (to->empty() || std::filesystem::is_directory(*to)) {
        throw jobs::JobError("to: '" + *to + "' is no name of a file");
    }
    return std::filesystem::absolute(*to);
}

}  // namespace

int report_command(Arguments& arguments) {
    if (arguments.words.empty()) {
        throw jobs::JobError(
            "report: no folder given, expected those of one or several runs (see 'diffinv report "
            "--help')");
    }
    const std::vector<std::string> folders = arguments.words;
    const std::optional<std::string> images = arguments.take("images");
    const jobs::ReportFiles files{.csv = arguments.has_flag("csv"),
                                  .json = arguments.has_flag("json"),
                                  .latex = arguments.has_flag("latex"),
                                  .png = arguments.has_flag("png") || images.has_value(),
                                  .sheet_images = images_of(images)};
    const std::filesystem::path page = page_of(folders, arguments.take("to"));
    arguments.expect_no_options("report");
    const std::vector<std::filesystem::path> written =
        jobs::write_report({folders.begin(), folders.end()}, page, files);
    for (const std::string& folder : folders) {
        const std::filesystem::path results = std::filesystem::path(folder) / "results.h5";
        if (folders.size() > 1) std::cout << pipeline::printable(folder) << "\n";
        std::cout << jobs::result_table(results) << "\n";
        if (const std::string samples = jobs::posterior_table(results); !samples.empty()) std::cout << samples << "\n";
        if (arguments.has_flag("intervals")) std::cout << jobs::interval_table(results) << "\n";
    }
    for (const std::filesystem::path& path : written) std::cout << pipeline::printable(path.string()) << "\n";
    return 0;
}

}  // namespace workers
