#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "cluster/node_layout.h"
#include "cluster/signals.h"
#include "jobs/job_error.h"
#include "workers/rank_log.h"
#include "workers/ranks.h"

namespace workers {

namespace {

/// Leaves without MPI_Finalize, which would wait for workers that do not come.
[[noreturn]] void leave(int exit_code) {
    std::fflush(nullptr);
    std::_Exit(exit_code);
}

/// Everything of the plan whose file is not there yet, with its predicted cost.
WorkQueue remaining_work(const jobs::SweepPlan& plan, const std::vector<std::int64_t>& committed) {
    const std::set<std::int64_t> done(committed.begin(), committed.end());
    std::vector<PendingUnit> units;
    for (std::int64_t number = 0; number < plan.unit_count(); ++number) {
        if (!done.contains(number)) units.push_back({number, plan.cost(number)});
    }
    return WorkQueue(std::move(units));
}

Outcome coordinate_campaign(cluster::Channel& channel, const jobs::Campaign& campaign, RankLog& log,
                            const std::function<void(const Status&)>& show) {
    const std::filesystem::path& folder = campaign.folder();
    const std::vector<std::int64_t> committed = campaign.committed();
    WorkQueue queue = remaining_work(campaign.plan(), committed);
    jobs::Journal journal(folder);
    jobs::JournalEntry begin;
    begin.event = "run";
    begin.rank = 0;
    begin.host = cluster::node_place().host;
    begin.time = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    journal.append(begin);

    CoordinatorSettings settings;
    settings.digest = campaign.plan().digest();
    settings.units_in_plan = campaign.plan().unit_count();
    settings.already_committed = static_cast<std::int64_t>(committed.size());
    CoordinatorLinks links;
    links.journal = [&](const jobs::JournalEntry& entry) {
        journal.append(entry);
        journal.sync();
    };
    links.status = [&](const Status& status) {
        write_status(folder, status);
        if (show) show(status);
    };
    links.is_terminated = [] { return cluster::termination_signal() != 0; };
    links.is_draining = [] { return cluster::is_drain_requested(); };
    log.note("coordinating", {{"units", std::to_string(queue.waiting())},
                              {"committed_before", std::to_string(committed.size())},
                              {"workers", std::to_string(channel.size() - 1)},
                              {"plan", settings.digest}});
    return coordinate(queue, channel, settings, links);
}

}  // namespace

Verdict run_coordinator(cluster::Channel& channel, const jobs::Campaign& campaign,
                        const std::function<void(const Status&)>& show) {
    Outcome outcome;
    try {
        RankLog log(campaign.folder(), channel.rank());
        outcome = coordinate_campaign(channel, campaign, log, show);
        log.note("verdict",
                 {{"exit_code", std::to_string(outcome.verdict.exit_code)}, {"reason", outcome.verdict.reason}});
    } catch (const jobs::EnvironmentError& error) {
        outcome = {{exit_environment, error.what(), {}}, false};
    } catch (const std::exception& error) {
        outcome = {{exit_internal, std::string("coordinator: ") + error.what(), {}}, false};
    }
    try {
        write_verdict(campaign.folder(), outcome.verdict);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "diffinv: no verdict: %s\n", error.what());
    }
    if (!outcome.have_workers_left) leave(outcome.verdict.exit_code);
    return outcome.verdict;
}

}  // namespace workers
