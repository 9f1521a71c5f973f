#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include "cluster/launcher.h"
#include "cluster/mpi_channel.h"
#include "cluster/mpi_environment.h"
#include "jobs/job_error.h"
#include "jobs/merge.h"
#include "jobs/report/result_table.h"
#include "workers/commands.h"
#include "workers/message.h"
#include "workers/planning.h"
#include "workers/progress.h"
#include "workers/ranks.h"
#include "workers/worker.h"

namespace workers {

namespace {

namespace fs = std::filesystem;

/// `run`'s own options; all others are the job's.
struct RunOptions {
    fs::path job_file;
    fs::path output;
    int workers = 1;
    jobs::Overrides overrides;
};

RunOptions read_run_options(Arguments& arguments) {
    RunOptions options;
    options.job_file = arguments.only_word("run", "a job file");
    options.output = arguments.take("output").value_or(options.job_file.stem().string());
    if (options.output.empty()) throw jobs::JobError("output: '' is no folder");
    options.output = fs::absolute(options.output).lexically_normal();
    if (const std::optional<std::string> text = arguments.take("workers")) {
        const char* end = text->data() + text->size();
        const auto [stop, error] = std::from_chars(text->data(), end, options.workers);
        if (error != std::errc() || stop != end || options.workers < 1 || options.workers > 4096) {
            throw jobs::JobError("workers: '" + *text + "', expected an integer from 1 to 4096");
        }
    }
    options.overrides = arguments.options;
    return options;
}

jobs::Campaign freeze(const RunOptions& options) {
    const PlannedJob planned = plan_job(options.job_file, options.overrides);
    return jobs::Campaign::create_or_continue(options.output, planned.plan, planned.dataset.get());
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
    std::cout << "\n"
              << jobs::result_table(folder / "results.h5") << "\n"
              << (folder / "results.h5").string() << "\n"
              << (folder / "results.csv").string() << "\n";
}

void list_quarantined(const Verdict& verdict) {
    for (const QuarantinedUnit& unit : verdict.quarantined) {
        std::fprintf(stderr, "diffinv: unit %lld failed: %s\n", static_cast<long long>(unit.number),
                     unit.reason.c_str());
    }
}

/// What a finished, or unfinished, run leaves to say.
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

/// Starts the ranks under mpirun and waits for their end.
Verdict launch(const jobs::Campaign& campaign, int workers) {
    const fs::path& folder = campaign.folder();
    remove_verdict(folder);
    fs::remove(folder / "status.json");
    fs::create_directories(folder / "logs");
    const std::string program = fs::read_symlink("/proc/self/exe").string();
    Progress progress;
    cluster::Supervision supervision;
    supervision.log = folder / "logs" / "mpirun.log";
    supervision.tick = [&] {
        if (const std::optional<Status> status = read_status(folder)) progress.show(*status);
    };
    supervision.is_decided = [&] { return fs::exists(folder / "verdict.json"); };
    const cluster::LaunchResult result =
        cluster::supervise(cluster::mpirun_command(workers, {program, "rank", folder.string()}), supervision);
    progress.clear();

    const std::optional<Verdict> verdict = read_verdict(folder);
    const bool is_finished = verdict && (verdict->exit_code == exit_done || verdict->exit_code == exit_quarantined);
    if (result.signal != 0 && !is_finished) {
        return {128 + result.signal, "stopped by signal " + std::to_string(result.signal), {}};
    }
    if (verdict) return *verdict;
    return {exit_internal,
            "mpirun ended with status " + std::to_string(result.status) + " and without a verdict, see " +
                supervision.log.string(),
            {}};
}

/// One line on what is about to be done; true where something is.
bool announce(const jobs::Campaign& campaign, int workers) {
    const std::int64_t units = campaign.plan().unit_count();
    const auto committed = static_cast<std::int64_t>(campaign.committed().size());
    std::cout << campaign.folder().string() << ": " << units << " units, " << campaign.plan().rows() << " images";
    if (committed == units) {
        std::cout << "; all done before\n";
        return false;
    }
    if (committed > 0) std::cout << "; " << committed << " done before";
    std::cout << "; " << workers << (workers == 1 ? " worker" : " workers") << std::endl;
    return true;
}

/// Inside an MPI launch rank 0 plans and freezes, and tells the others where, or that there is nothing to do.
int run_inside_mpi(const RunOptions& options) {
    const cluster::MpiEnvironment mpi;
    const std::unique_ptr<cluster::Channel> channel = cluster::mpi_channel();
    if (channel->size() < 2) throw jobs::JobError("run: this MPI launch has 1 process, expected at least 2");
    if (channel->rank() != 0) {
        while (true) {
            if (const std::optional<cluster::Envelope> envelope = channel->poll()) {
                const Message message = parse_message(envelope->text);
                if (message.kind == MessageKind::plan) run_worker(*channel, message.folder);
                return message.kind == MessageKind::refused ? message.exit_code : exit_done;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    const auto tell_all = [&](const Message& message) {
        for (int rank = 1; rank < channel->size(); ++rank) channel->send(rank, to_text(message));
    };
    std::optional<jobs::Campaign> campaign;
    try {
        campaign = freeze(options);
        campaign->remove_temporaries();
        remove_verdict(options.output);
    } catch (const jobs::EnvironmentError&) {
        tell_all({.kind = MessageKind::refused, .exit_code = exit_environment});
        throw;
    } catch (const std::exception&) {
        tell_all({.kind = MessageKind::refused, .exit_code = exit_refused});
        throw;
    }
    Verdict verdict{exit_done, "", {}};
    if (announce(*campaign, channel->size() - 1)) {
        tell_all({.kind = MessageKind::plan, .digest = campaign->plan().digest(), .folder = options.output.string()});
        Progress progress;
        verdict = run_coordinator(*channel, *campaign, [&](const Status& status) { progress.show(status); });
    } else {
        tell_all({.kind = MessageKind::stop});
    }
    return conclude(*campaign, verdict);
}

}  // namespace

int run_command(Arguments& arguments) {
    const RunOptions options = read_run_options(arguments);
    if (cluster::is_inside_mpi_launch()) return run_inside_mpi(options);

    // Everything that can be refused is refused here, before a rank starts.
    const jobs::Campaign campaign = freeze(options);
    campaign.remove_temporaries();
    if (!announce(campaign, options.workers)) return conclude(campaign, {exit_done, "", {}});
    return conclude(campaign, launch(campaign, options.workers));
}

int rank_command(Arguments& arguments) {
    return run_rank(arguments.only_word("rank", "a run's folder"));
}

}  // namespace workers
