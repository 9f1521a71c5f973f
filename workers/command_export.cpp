#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "jobs/campaign.h"
#include "jobs/job_error.h"
#include "jobs/report/export_images.h"
#include "pipeline/data/file_error.h"
#include "workers/commands.h"
#include "workers/verdict.h"

namespace workers {

int export_command(Arguments& arguments) {
    const std::filesystem::path run = arguments.only_word("export", "a run's folder");
    const std::optional<std::string> folder = arguments.take("to");
    arguments.expect_no_options("export");
    if (!folder || folder->empty()) throw jobs::JobError("export: --to FOLDER is not given");
    const jobs::Campaign campaign = jobs::Campaign::open(run);
    const std::filesystem::path results = run / "results.h5";
    if (!std::filesystem::exists(results)) {
        throw jobs::JobError(run.string() +
                             ": there is no results.h5 yet; `diffinv merge` or the end of `diffinv run` makes it");
    }
    try {
        const jobs::ExportResult result = jobs::export_images(campaign, *folder);
        std::cout << *folder << ": " << result.images << " images\n";
        if (result.left_out > 0) std::cout << result.left_out << " rows that diverged or could not be read left out\n";
    } catch (const pipeline::FileError& error) {
        throw jobs::JobError(error.what());
    }
    return exit_done;
}

}  // namespace workers
