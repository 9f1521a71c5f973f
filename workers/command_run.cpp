#include <filesystem>
#include <iostream>
#include <optional>
#include <thread>

#include "cluster/mpi_channel.h"
#include "cluster/mpi_environment.h"
#include "jobs/job_error.h"
#include "workers/commands.h"
#include "workers/message.h"
#include "workers/planning.h"
#include "workers/progress.h"
#include "workers/ranks.h"
#include "workers/run_campaign.h"
#include "workers/shard_run.h"

namespace workers {

namespace {

namespace fs = std::filesystem;

/// `run`'s own options; all others are the job's.
struct RunOptions {
    fs::path job_file;
    fs::path output;
    bool is_retrying = false;
    std::optional<jobs::Shard> shard;
    RunSettings settings;
    jobs::Overrides overrides;
};

RunOptions read_run_options(Arguments& arguments) {
    RunOptions options;
    options.job_file = arguments.only_word("run", "a job file");
    options.output = arguments.take("output").value_or(options.job_file.stem().string());
    if (options.output.empty()) throw jobs::JobError("output: '' is no folder");
    options.output = fs::absolute(options.output).lexically_normal();
    options.is_retrying = arguments.has_flag("retry-failed");
    if (const std::optional<std::string> text = arguments.take("shard")) options.shard = jobs::Shard::parse(*text);
    options.settings = RunSettings::take(arguments);
    options.overrides = arguments.options;
    return options;
}

/// Everything that can be refused is refused here, before a rank starts.
jobs::Campaign freeze(const RunOptions& options) {
    const PlannedJob planned = plan_job(options.job_file, options.overrides,
                                        options.shard ? DeviceUse::decide_and_open : DeviceUse::decide, options.output);
    jobs::Campaign campaign = jobs::Campaign::create_or_continue(options.output, planned.plan, planned.dataset.get());
    if (planned.plan.device() != planned.job.device) std::cout << "device: " << planned.device.words << "\n";
    if (!options.shard) prepare_folder(campaign);
    if (options.is_retrying) forget_failures(campaign);
    return campaign;
}

/// Waits for rank 0's word: the run's folder, or that there is nothing to do.
int run_foreign_worker(cluster::Channel& channel, const RunOptions& options) {
    while (true) {
        if (const std::optional<cluster::Envelope> envelope = channel.poll()) {
            const Message message = parse_message(envelope->text);
            if (message.kind == MessageKind::plan) run_worker(channel, {message.folder, options.settings, 0});
            return message.kind == MessageKind::refused ? message.exit_code : exit_done;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

/// Inside an MPI launch rank 0 plans and freezes, and tells the others where, or that there is nothing to do.
int run_inside_mpi(const RunOptions& options) {
    const cluster::MpiEnvironment mpi;
    const std::unique_ptr<cluster::Channel> channel = cluster::mpi_channel();
    if (channel->size() < 2) throw jobs::JobError("run: this MPI launch has 1 process, expected at least 2");
    if (channel->rank() != 0) return run_foreign_worker(*channel, options);

    const auto tell_all = [&](const Message& message) {
        for (int rank = 1; rank < channel->size(); ++rank) channel->send(rank, to_text(message));
    };
    bool is_told = false;
    RunSettings settings = options.settings;
    settings.workers = channel->size() - 1;
    try {
        const jobs::Campaign campaign = freeze(options);
        const int exit_code = run_campaign(campaign, settings, [&] {
            is_told = true;
            tell_all(
                {.kind = MessageKind::plan, .digest = campaign.plan().digest(), .folder = options.output.string()});
            Progress progress;
            return run_coordinator(*channel, {options.output, settings, 0},
                                   {.show = [&](const Status& status) { progress.show(status); }, .start_worker = {}});
        });
        if (!is_told) tell_all({.kind = MessageKind::stop});
        return exit_code;
    } catch (const jobs::EnvironmentError&) {
        if (!is_told) tell_all({.kind = MessageKind::refused, .exit_code = exit_environment});
        throw;
    } catch (const std::exception&) {
        if (!is_told) tell_all({.kind = MessageKind::refused, .exit_code = exit_refused});
        throw;
    }
}

}  // namespace

int run_command(Arguments& arguments) {
    const RunOptions options = read_run_options(arguments);
    if (options.shard) return run_shard(freeze(options), *options.shard, options.settings);
    if (cluster::is_inside_mpi_launch()) return run_inside_mpi(options);
    const jobs::Campaign campaign = freeze(options);
    return run_campaign(campaign, options.settings);
}

int rank_command(Arguments& arguments) {
    RankTask task;
    task.folder = arguments.only_word("rank", "a run's folder");
    task.number = static_cast<int>(take_number(arguments, "number", 1, 1e6, true, "a rank").value_or(0));
    task.place = static_cast<int>(take_number(arguments, "place", 0, 1e6, true, "a place").value_or(-1));
    task.settings = RunSettings::take(arguments);
    arguments.expect_no_options("rank");
    return run_rank(task);
}

}  // namespace workers
