#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <stdexcept>

#include "cluster/slurm/slurm_script.h"
#include "cluster/slurm/slurm_submission.h"
#include "jobs/campaign.h"
#include "jobs/job_error.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "workers/clock.h"
#include "workers/commands.h"
#include "workers/launch.h"
#include "workers/planning.h"
#include "workers/requests.h"
#include "workers/run_settings.h"
#include "workers/slurm_record.h"
#include "workers/verdict.h"

namespace workers {

namespace {

namespace fs = std::filesystem;

/// A whole number of the command's own; the script's own checks are closer.
std::optional<int> take_whole_number(Arguments& arguments, const std::string& name, int least) {
    const std::optional<double> number =
        take_number(arguments, name, least, 1e9, true, "an integer of at least " + std::to_string(least));
    return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

/// What the command line says about the Slurm job; all options that are left are the job file's.
cluster::SlurmJob read_slurm_job(Arguments& arguments, const fs::path& job_file) {
    cluster::SlurmJob job;
    job.folder = arguments.take("output").value_or(job_file.stem().string());
    if (job.folder.empty()) throw jobs::JobError("output: '' is no folder");
    job.folder = fs::absolute(job.folder).lexically_normal();
    if (job.folder.filename().empty()) job.folder = job.folder.parent_path();
    job.working_folder = fs::current_path();
    job.shards = take_whole_number(arguments, "array", 1).value_or(0);
    job.nodes = take_whole_number(arguments, "nodes", 1).value_or(1);
    const std::optional<int> gpus = take_whole_number(arguments, "gpus-per-node", 0);
    if (!gpus) throw jobs::JobError("submit: --gpus-per-node G is not given; 0 computes on processors");
    job.gpus_per_node = *gpus;
    job.workers_per_node = take_whole_number(arguments, "workers-per-node", 1).value_or(std::max(1, *gpus));
    job.requeue_limit = take_whole_number(arguments, "requeue-limit", 0).value_or(job.requeue_limit);
    const std::optional<std::string> time = arguments.take("time");
    if (!time) throw jobs::JobError("submit: --time T is not given, as in --time 2:00:00");
    job.time = *time;
    job.extra = arguments.repeated;

    job.command = {own_program(), "run", fs::absolute(job_file).string(), "--output", job.folder.string()};
    for (const auto& [name, value] : arguments.options) job.command.push_back("--" + name + "=" + value);
    return job;
}

std::string script_of(const cluster::SlurmJob& job) {
    try {
        return cluster::slurm_script(job);
    } catch (const std::invalid_argument& error) {
        throw jobs::JobError(error.what());
    }
}

/// What the job computes on must be asked of Slurm.
void check_devices(const jobs::Job& job, const cluster::SlurmJob& submitted) {
    if (submitted.gpus_per_node > 0) return;
    const std::string precision(pipeline::to_string(job.precision));
    if (job.device == "cuda") throw jobs::JobError("submit: device = cuda with --gpus-per-node 0, expected 1 or more");
    if (precision != "float32") {
        throw jobs::JobError("submit: precision = " + precision + " with --gpus-per-node 0, expected 1 or more");
    }
}

/// Hands the script, as it lies in the run's folder, to Slurm.
std::string submit(const fs::path& folder, const std::string& script) {
    const fs::path file = folder / "slurm" / "job.sh";
    try {
        pipeline::commit_bytes(file, script);
        // What was said to an earlier job does not hold for this one.
        remove_requests(folder);
        return cluster::submit_script(file);
    } catch (const pipeline::FileError& error) {
        throw jobs::EnvironmentError(error.what());
    } catch (const std::runtime_error& error) {
        throw jobs::EnvironmentError(error.what());
    }
}

}  // namespace

int submit_command(Arguments& arguments) {
    const fs::path job_file = arguments.only_word("submit", "a job file");
    const cluster::SlurmJob job = read_slurm_job(arguments, job_file);
    const std::string script = script_of(job);
    // The nodes decide what they compute on; the machine that submits often has no GPU.
    const PlannedJob planned = plan_job(job_file, arguments.options, DeviceUse::leave);
    check_devices(planned.job, job);
    if (arguments.has_flag("print")) {
        std::cout << script;
        return exit_done;
    }
    if (!cluster::is_on_path("sbatch")) {
        throw jobs::EnvironmentError("submit: there is no sbatch on the PATH; --print shows the script");
    }
    jobs::Campaign::create_or_continue(job.folder, planned.plan, planned.dataset.get());
    fs::create_directories(job.folder / "logs");
    const int workers = job.shards > 0 ? job.shards : job.nodes * job.workers_per_node;
    const std::string id = submit(job.folder, script);
    record_submitted_job(job.folder, {id, epoch_seconds(), job.nodes, workers, job.shards});

    std::cout << "Slurm job " << id << ": " << planned.plan.unit_count() << " units, " << planned.plan.rows()
              << " images; "
              << (job.shards > 0 ? "an array of " + std::to_string(job.shards) + " shards"
                                 : std::to_string(job.nodes) + (job.nodes == 1 ? " node, " : " nodes, ") +
                                       std::to_string(workers) + (workers == 1 ? " worker" : " workers"))
              << "\n  diffinv status " << cluster::shell_quoted(job.folder.string()) << "    how it stands\n  "
              << (job.folder / "logs").string() << "/slurm-" << id << (job.shards > 0 ? "_1" : "") << ".log\n";
    return exit_done;
}

}  // namespace workers
