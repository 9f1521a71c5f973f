#include <iostream>
#include <optional>

#include "jobs/job_error.h"
#include "jobs/verify.h"
#include "pipeline/data/file_error.h"
#include "workers/commands.h"
#include "workers/run_campaign.h"
#include "workers/verdict.h"

namespace workers {

namespace {

int workers_of_repair(Arguments& arguments) {
    const std::optional<double> workers = take_number(arguments, "workers", 1, 4096, true, "an integer from 1 to 4096");
    if (workers && !arguments.has_flag("repair")) {
        throw jobs::JobError("workers: only --repair computes; allowed: with --repair");
    }
    return static_cast<int>(workers.value_or(1));
}

std::string counted(std::int64_t count, const std::string& thing) {
    return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

void print(const jobs::VerifyResult& result) {
    for (const jobs::Damage& damage : result.damages) {
        std::cout << pipeline::printable(damage.file.string()) << ": " << pipeline::printable(damage.reason) << "\n";
    }
    for (const std::filesystem::path& file : result.foreign) {
        std::cout << pipeline::printable(file.string()) << ": is no file of this run; left alone\n";
    }
    std::cout << counted(result.units, "unit") << " and " << counted(result.measurements, "measurement") << " read";
    if (result.results == jobs::ResultsState::checked) std::cout << ", results.h5 held to them";
    if (result.results == jobs::ResultsState::outdated)
        std::cout << ", results.h5 is outdated and was not held to them";
    std::cout << "; " << counted(static_cast<std::int64_t>(result.damages.size()), "damaged file") << "\n";
}

/// Computes what is missing in the run's folder, from its frozen plan.
int repair_and_run(const jobs::Campaign& campaign, int workers) {
    RunSettings settings;
    settings.workers = workers;
    return run_campaign(campaign, settings);
}

}  // namespace

int verify_command(Arguments& arguments) {
    const int workers = workers_of_repair(arguments);
    const std::filesystem::path folder = arguments.only_word("verify", "a run's folder");
    arguments.expect_no_options("verify");
    const jobs::Campaign campaign = jobs::Campaign::open(folder);
    const jobs::VerifyResult result = jobs::verify(campaign);
    print(result);
    if (result.damages.empty()) return exit_done;
    if (!arguments.has_flag("repair")) return exit_quarantined;
    prepare_folder(campaign);
    std::cout << counted(jobs::set_aside(campaign, result), "file") << " set aside\n";
    return repair_and_run(campaign, workers);
}

}  // namespace workers
