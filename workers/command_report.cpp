#include <iostream>

#include "jobs/campaign.h"
#include "jobs/job_error.h"
#include "jobs/report/contact_sheet.h"
#include "jobs/report/result_table.h"
#include "workers/commands.h"

namespace workers {

int report_command(Arguments& arguments) {
    const std::filesystem::path folder = arguments.only_word("report", "a run's folder");
    arguments.expect_no_options("report");
    const jobs::Campaign campaign = jobs::Campaign::open(folder);
    const std::filesystem::path results = folder / "results.h5";
    if (!std::filesystem::exists(results)) {
        throw jobs::JobError(folder.string() +
                             ": there is no results.h5 yet; `diffinv merge` or the end of `diffinv run` makes it");
    }
    std::cout << jobs::result_table(results) << "\n" << results.string() << "\n";
    if (jobs::write_contact_sheet(results, folder / "table.png")) std::cout << (folder / "table.png").string() << "\n";
    if (jobs::write_sample_grid(results, folder / "samples.png"))
        std::cout << (folder / "samples.png").string() << "\n";
    return 0;
}

}  // namespace workers
