#include <iostream>
#include <optional>
#include <string>

#include "jobs/campaign.h"
#include "jobs/job_error.h"
#include "jobs/report/contact_sheet.h"
#include "jobs/report/posterior_table.h"
#include "jobs/report/result_table.h"
#include "jobs/report/summary.h"
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

}  // namespace

int report_command(Arguments& arguments) {
    const std::filesystem::path folder = arguments.only_word("report", "a run's folder");
    const std::size_t images = images_of(arguments.take("images"));
    arguments.expect_no_options("report");
    const jobs::Campaign campaign = jobs::Campaign::open(folder);
    const std::filesystem::path results = folder / "results.h5";
    if (!std::filesystem::exists(results)) {
        throw jobs::JobError(folder.string() +
                             ": there is no results.h5 yet; `diffinv merge` or the end of `diffinv run` makes it");
    }
    std::cout << jobs::result_table(results) << "\n";
    if (const std::string samples = jobs::posterior_table(results); !samples.empty()) std::cout << samples << "\n";
    if (arguments.has_flag("intervals")) std::cout << jobs::interval_table(results) << "\n";
    jobs::write_summary(results, folder);
    std::cout << results.string() << "\n"
              << (folder / "summary.csv").string() << "\n"
              << (folder / "differences.csv").string() << "\n";
    if (jobs::write_contact_sheet(results, folder / "table.png", images))
        std::cout << (folder / "table.png").string() << "\n";
    if (jobs::write_sample_grid(results, folder / "samples.png"))
        std::cout << (folder / "samples.png").string() << "\n";
    return 0;
}

}  // namespace workers
