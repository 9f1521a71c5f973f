#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

#include "cluster/node_layout.h"
#include "cluster/process_watch.h"
#include "cluster/signals.h"
#include "jobs/job_error.h"
#include "pipeline/data/unit_file.h"
#include "workers/clock.h"
#include "workers/journal_entries.h"
#include "workers/rank_log.h"
#include "workers/ranks.h"
#include "workers/remaining_work.h"
#include "workers/requests.h"

namespace workers {

namespace {

/// Leaves without MPI_Finalize, which would wait for workers that do not come.
[[noreturn]] void leave(int exit_code) {
    std::fflush(nullptr);
    std::_Exit(exit_code);
}

CoordinatorSettings settings_of(const RankTask& task, const jobs::SweepPlan& plan, RemainingWork& work) {
    const cluster::NodePlace place = cluster::node_place();
    CoordinatorSettings settings;
    settings.digest = plan.digest();
    settings.units_in_plan = plan.unit_count();
    settings.already_committed = work.already_committed;
    settings.launch = task.settings.launch;
    settings.host = place.host;
    settings.process = place.process;
    settings.silence_seconds = task.settings.silence_seconds;
    settings.load_seconds = task.settings.load_seconds;
    settings.deadline = steady_seconds() + (task.settings.deadline - epoch_seconds());
    settings.replacements = task.settings.replacements;
    settings.costs = std::move(work.costs);
    settings.configuration_of = [&plan](std::int64_t unit) { return plan.configuration_index(unit); };
    return settings;
}

Outcome coordinate_campaign(cluster::Channel& channel, const RankTask& task, RankLog& log,
                            const CoordinatorMeans& means) {
    const jobs::Campaign campaign = jobs::Campaign::open(task.folder);
    RemainingWork work = remaining_work(campaign, task.settings.only);
    const CoordinatorSettings settings = settings_of(task, campaign.plan(), work);
    jobs::Journal journal(task.folder);
    journal.append(entry_of("run", {0, settings.host, {}}));
    journal.sync();

    cluster::ProcessWatch processes;
    processes.watch_siblings(channel.size());
    CoordinatorLinks links;
    links.journal = [&](const jobs::JournalEntry& entry) { journal.append(entry); };
    links.sync = [&] { journal.sync(); };
    links.status = [&](const Status& status) {
        // A comfort: a full disk must not end the run here, where the journal still may be written.
        try {
            write_status(task.folder, status);
        } catch (const std::exception& error) {
            log.note("status not written", {{"reason", error.what()}});
        }
        if (means.show) means.show(status);
    };
    links.is_terminated = [] { return cluster::termination_signal() != 0; };
    links.request = [&] { return cluster::is_drain_requested() ? Request::drain : read_request(task.folder); };
    links.watch = [&](int rank, const std::string& host, int process) { processes.watch(rank, host, process); };
    links.ended = [&] { return processes.ended(); };
    links.kill = [&](int rank) { processes.kill(rank); };
    links.replace = means.start_worker;
    links.is_on_disk = [&](std::int64_t unit) {
        std::error_code error;
        return std::filesystem::exists(task.folder / pipeline::unit_path(unit), error);
    };
    log.note("coordinating", {{"units", std::to_string(work.queue.waiting())},
                              {"committed_before", std::to_string(settings.already_committed)},
                              {"workers", std::to_string(channel.size() - 1)},
                              {"plan", settings.digest}});
    return coordinate(work.queue, channel, settings, links);
}

/// Tries for a while: what fills a disk are often temporary files of workers that fail for the same reason.
void leave_verdict(const std::filesystem::path& folder, const Verdict& verdict) {
    for (int attempt = 0;; ++attempt) {
        try {
            return write_verdict(folder, verdict);
        } catch (const std::exception& error) {
            if (attempt == 10) {
                std::fprintf(stderr, "diffinv: no verdict: %s\n", error.what());
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    }
}

}  // namespace

Verdict run_coordinator(cluster::Channel& channel, const RankTask& task, const CoordinatorMeans& means) {
    Outcome outcome;
    try {
        RankLog log(task.folder, channel.rank());
        outcome = coordinate_campaign(channel, task, log, means);
        log.note("verdict",
                 {{"exit_code", std::to_string(outcome.verdict.exit_code)}, {"reason", outcome.verdict.reason}});
    } catch (const jobs::EnvironmentError& error) {
        outcome.verdict = {.exit_code = exit_environment, .reason = error.what()};
    } catch (const std::exception& error) {
        outcome.verdict = {.exit_code = exit_internal, .reason = std::string("coordinator: ") + error.what()};
    }
    outcome.verdict.launch = task.settings.launch;
    leave_verdict(task.folder, outcome.verdict);
    if (!outcome.have_workers_left) leave(outcome.verdict.exit_code);
    return outcome.verdict;
}

}  // namespace workers
