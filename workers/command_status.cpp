#include <array>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "jobs/campaign.h"
#include "pipeline/data/file_error.h"
#include "workers/clock.h"
#include "workers/commands.h"
#include "workers/slurm_record.h"
#include "workers/status.h"
#include "workers/verdict.h"

namespace workers {

namespace {

/// A status older than this was left behind by a coordinator that is no more.
constexpr double stale_seconds = 30;

std::string local_time(double seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    localtime_r(&time, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%F %T", &parts);
    return text.data();
}

std::string state_of(const std::optional<Status>& status, std::int64_t committed, std::int64_t units) {
    const bool is_fresh = status && epoch_seconds() - status->time < stale_seconds;
    if (is_fresh && (status->state == "running" || status->state == "draining")) return status->state;
    return committed == units ? "finished" : "incomplete";
}

/// The jobs that were handed to Slurm, newest first; what became of each is Slurm's to say.
void print_submitted_jobs(const std::filesystem::path& folder) {
    const std::vector<SubmittedJob> jobs = submitted_jobs(folder);
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job) {
        std::cout << "Slurm job " << pipeline::printable(job->id) << ", submitted " << local_time(job->time) << ": "
                  << (job->shards > 0 ? "array of " + std::to_string(job->shards)
                                      : std::to_string(job->nodes) + (job->nodes == 1 ? " node" : " nodes"))
                  << "\n";
    }
}

}  // namespace

int status_command(Arguments& arguments) {
    const std::filesystem::path folder = arguments.only_word("status", "a run's folder");
    arguments.expect_no_options("status");
    // The files are the truth; status.json adds what only the coordinator knows.
    const jobs::Campaign campaign = jobs::Campaign::open(folder);
    const auto committed = static_cast<std::int64_t>(campaign.committed().size());
    const std::int64_t units = campaign.plan().unit_count();
    const std::optional<Status> status = read_status(folder);
    const std::optional<Verdict> verdict = read_verdict(folder);
    const std::string state = state_of(status, committed, units);
    const bool is_running = state == "running" || state == "draining";

    if (arguments.has_flag("json")) {
        nlohmann::ordered_json json = {{"state", state},
                                       {"units", units},
                                       {"committed", committed},
                                       {"rows", campaign.plan().rows()},
                                       {"plan_digest", campaign.plan().digest()}};
        if (is_running) json["coordinator"] = nlohmann::ordered_json::parse(to_json(*status));
        if (!is_running && verdict) {
            json["exit_code"] = verdict->exit_code;
            json["reason"] = verdict->reason;
            json["quarantined"] = nlohmann::ordered_json::array();
            for (const QuarantinedUnit& unit : verdict->quarantined) {
                json["quarantined"].push_back({{"unit", unit.number}, {"reason", unit.reason}});
            }
        }
        for (const SubmittedJob& job : submitted_jobs(folder)) {
            json["slurm_jobs"].push_back({{"job", job.id},
                                          {"time", job.time},
                                          {"nodes", job.nodes},
                                          {"workers", job.workers},
                                          {"array", job.shards}});
        }
        std::cout << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
        return exit_done;
    }
    std::cout << state << ": " << committed << " of " << units << " units committed, " << campaign.plan().rows()
              << " images in all\n";
    if (is_running) {
        std::cout << progress_line(*status) << "\n";
        for (const WorkerStatus& worker : status->workers) {
            std::cout << "  worker " << worker.rank << " on " << worker.host << ": "
                      << (worker.unit < 0 ? worker.state : "unit " + std::to_string(worker.unit)) << "\n";
        }
    } else if (verdict && !verdict->reason.empty()) {
        std::cout << "last run: exit code " << verdict->exit_code << ", " << verdict->reason << "\n";
        for (const QuarantinedUnit& unit : verdict->quarantined) {
            std::cout << "  unit " << unit.number << ": " << unit.reason << "\n";
        }
    }
    print_submitted_jobs(folder);
    return exit_done;
}

}  // namespace workers
