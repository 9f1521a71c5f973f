#include "workers/run_campaign.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <thread>

#include "cluster/node_layout.h"
#include "cluster/process_watch.h"
#include "jobs/job_error.h"
#include "jobs/journal.h"
#include "jobs/merge.h"
#include "jobs/report/posterior_table.h"
#include "jobs/report/result_table.h"
#include "workers/clock.h"
#include "workers/journal_entries.h"
#include "workers/launch.h"
#include "workers/remaining_work.h"
#include "workers/requests.h"
#include "workers/status.h"
#include "workers/worker.h"

namespace workers {

namespace {

namespace fs = std::filesystem;

/// A coordinator elsewhere writes its status every two seconds: one older than this is no more.
constexpr double fresh_seconds = 10;
/// What a killed run leaves behind ends within this time.
constexpr double ending_seconds = 5;

/// The coordinator of the folder's last status, if it is at work.
bool is_at_work(const Status& status) {
    if (status.process == 0) return false;
    // One of this host has ended when its process has: it writes its verdict after its last status.
    if (status.host == cluster::node_place().host) return cluster::is_running("diffinv", status.process);
    const bool is_running = status.state == "running" || status.state == "draining";
    return is_running && std::abs(epoch_seconds() - status.time) < fresh_seconds;
}

/// results.h5 is missing, or older than the newest unit.
bool needs_merging(const fs::path& folder) {
    for (const char* name : {"results.h5", "results.csv"}) {
        if (!fs::exists(folder / name)) return true;
    }
    const auto merged = fs::last_write_time(folder / "results.h5");
    for (const auto& block : fs::directory_iterator(folder / "units")) {
        if (fs::last_write_time(block.path()) > merged) return true;
    }
    return false;
}

/// Merges where there is something new, and prints the table and where everything is.
void show_results(const jobs::Campaign& campaign) {
    const fs::path& folder = campaign.folder();
    if (needs_merging(folder)) jobs::merge(campaign);
    std::cout << "\n" << jobs::result_table(folder / "results.h5") << "\n";
    if (const std::string samples = jobs::posterior_table(folder / "results.h5"); !samples.empty()) {
        std::cout << samples << "\n";
    }
    std::cout << (folder / "results.h5").string() << "\n" << (folder / "results.csv").string() << "\n";
}

void list_quarantined(const Verdict& verdict) {
    for (const QuarantinedUnit& unit : verdict.quarantined) {
        std::fprintf(stderr, "diffinv: unit %lld failed: %s\n", static_cast<long long>(unit.number),
                     unit.reason.c_str());
    }
}

/// One line on what is about to be done.
void announce(const jobs::Campaign& campaign, const RunSettings& settings, const RemainingWork& work) {
    std::cout << campaign.folder().string() << ": " << campaign.plan().unit_count() << " units, "
              << campaign.plan().rows() << " images";
    const std::int64_t waiting = work.queue.waiting();
    if (work.already_committed == campaign.plan().unit_count()) {
        std::cout << "; all done before" << std::endl;
        return;
    }
    if (work.already_committed > 0) std::cout << "; " << work.already_committed << " done before";
    if (!work.queue.quarantined().empty()) {
        std::cout << "; " << work.queue.quarantined().size() << " failed before (--retry-failed tries them again)";
    }
    if (!settings.only.empty()) std::cout << "; " << waiting << " to do of " << settings.only;
    if (waiting > 0) std::cout << "; " << settings.workers << (settings.workers == 1 ? " worker" : " workers");
    std::cout << std::endl;
}

}  // namespace

int conclude(const jobs::Campaign& campaign, const Verdict& verdict) {
    if (verdict.exit_code == exit_done) {
        show_results(campaign);
        return exit_done;
    }
    if (verdict.exit_code == exit_quarantined) {
        list_quarantined(verdict);
        // What kept units from being computed may keep the rest from being merged: the verdict stays.
        try {
            show_results(campaign);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "diffinv: not merged: %s\n", describe_failure(error).reason.c_str());
        }
        return exit_quarantined;
    }
    const bool is_continuable = verdict.exit_code == exit_incomplete || verdict.exit_code > 128;
    std::fprintf(stderr, "diffinv: %s%s\n", verdict.reason.c_str(),
                 is_continuable ? "; the same command continues the run" : "");
    return verdict.exit_code;
}

void prepare_folder(const jobs::Campaign& campaign) {
    for (double waited = 0;; waited += 0.1) {
        const std::optional<Status> status = read_status(campaign.folder());
        if (!status || !is_at_work(*status)) break;
        if (waited > ending_seconds) {
            throw jobs::JobError(campaign.folder().string() + ": is being run by process " +
                                 std::to_string(status->process) + " on " + status->host +
                                 "; 'diffinv drain' or 'diffinv cancel' ends that run");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    campaign.remove_temporaries();
    remove_verdict(campaign.folder());
    remove_requests(campaign.folder());
}

void forget_failures(const jobs::Campaign& campaign) {
    jobs::Journal journal(campaign.folder());
    journal.append(entry_of("retry", {-1, {}, {}}));
    journal.sync();
}

int run_campaign(const jobs::Campaign& campaign, const RunSettings& settings,
                 const std::function<Verdict()>& carry_out) {
    std::vector<QuarantinedUnit> quarantined;
    bool has_work = false;
    {
        const RemainingWork work = remaining_work(campaign, settings.only);
        announce(campaign, settings, work);
        quarantined = work.queue.quarantined();
        has_work = work.queue.waiting() > 0;
    }
    if (has_work) return conclude(campaign, carry_out());
    return conclude(campaign,
                    {.exit_code = quarantined.empty() ? exit_done : exit_quarantined, .quarantined = quarantined});
}

int run_campaign(const jobs::Campaign& campaign, const RunSettings& settings) {
    return run_campaign(campaign, settings, [&] { return launch(campaign, settings); });
}

}  // namespace workers
