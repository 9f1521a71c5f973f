#include <ATen/Parallel.h>

#include <cstdlib>
#include <optional>
#include <thread>

#include "cluster/mpi_collective.h"
#include "cluster/node_layout.h"
#include "cluster/signals.h"
#include "jobs/job_error.h"
#include "pipeline/data/dataset.h"
#include "workers/rank_log.h"
#include "workers/ranks.h"
#include "workers/replica.h"
#include "workers/worker.h"

namespace workers {

namespace {

/// Coordinator's rank and the first worker's, which reads the checkpoint.
constexpr int first_worker = 1;

std::unique_ptr<pipeline::Dataset> planned_dataset(const jobs::SweepPlan& plan) {
    if (plan.dataset().empty()) return nullptr;
    std::unique_ptr<pipeline::Dataset> dataset = pipeline::open_dataset(plan.dataset(), plan.image_shape());
    if (dataset->digest() != plan.dataset_digest()) {
        throw jobs::JobError(plan.dataset() + ": names or sizes have changed since the run was planned");
    }
    return dataset;
}

std::optional<pipeline::Lpips> planned_lpips(const jobs::SweepPlan& plan) {
    if (plan.lpips() == "none") return std::nullopt;
    if (plan.lpips() == "embedded") return pipeline::Lpips::embedded();
    return pipeline::Lpips::from_file(plan.lpips());
}

/// Tells rank 0 why this rank cannot take part, and waits for the end that it brings about.
[[noreturn]] void refuse(cluster::Channel& channel, int exit_code, const std::string& reason) {
    channel.send(0, to_text({.kind = MessageKind::refused, .exit_code = exit_code, .reason = reason}));
    for (int tenth = 0; tenth < 300; ++tenth) {
        channel.poll();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::_Exit(exit_code);
}

/// Everything up to the loop may throw: then this rank cannot start.
void work_on(cluster::Channel& channel, const std::filesystem::path& folder, RankLog& log) {
    const jobs::Campaign campaign = jobs::Campaign::open(folder);
    const jobs::SweepPlan& plan = campaign.plan();
    at::set_num_threads(plan.threads());
    const std::unique_ptr<pipeline::Dataset> dataset = planned_dataset(plan);
    const std::optional<pipeline::Lpips> lpips = planned_lpips(plan);

    // The group lives for the start-up alone: a later death can hang no collective.
    Replica replica;
    {
        const std::unique_ptr<cluster::Collective> collective = cluster::mpi_collective(first_worker);
        replica = load_replica(plan, *collective);
        log.note("replicas agree", {{"checksum", std::to_string(replica.checksum)},
                                    {"replicas", std::to_string(collective->size())},
                                    {"read_checkpoint", collective->rank() == 0 ? "yes" : "no"}});
    }

    const pipeline::NoiseSchedule schedule = replica.model->description().noise_schedule();
    pipeline::UnitEnvironment environment{.folder = folder,
                                          .plan_digest = plan.digest(),
                                          .dataset = dataset.get(),
                                          .network = *replica.model,
                                          .schedule = schedule,
                                          .image_shape = plan.image_shape(),
                                          .noise = operators::NoiseStream(plan.seed()),
                                          .lpips = lpips ? &*lpips : nullptr,
                                          .store = plan.store(),
                                          .heartbeat = {}};
    const ComputeUnit compute = [&](std::int64_t unit, const std::function<void()>& heartbeat) {
        environment.heartbeat = heartbeat;
        const pipeline::UnitCost cost = pipeline::run_unit(plan.unit(unit), environment);
        log.note("committed", {{"unit", std::to_string(unit)}, {"seconds", std::to_string(cost.seconds)}});
        return cost;
    };

    const cluster::NodePlace place = cluster::node_place();
    const Message hello{.kind = MessageKind::hello,
                        .process = place.process,
                        .checksum = replica.checksum,
                        .host = place.host,
                        .device = "cpu",
                        .digest = plan.digest()};
    WorkerSettings settings;
    settings.is_terminated = [] { return cluster::termination_signal() != 0; };
    settings.on_failure = [&](std::int64_t unit, const std::string& reason) {
        log.note("failed", {{"unit", std::to_string(unit)}, {"reason", reason}});
    };
    if (!work(channel, hello, compute, settings)) {
        log.note("terminated");
        std::_Exit(128 + cluster::termination_signal());
    }
    log.note("stopped");
}

}  // namespace

void run_worker(cluster::Channel& channel, const std::filesystem::path& folder) {
    try {
        RankLog log(folder, channel.rank());
        work_on(channel, folder, log);
    } catch (const jobs::JobError& error) {
        refuse(channel, exit_refused, error.what());
    } catch (const jobs::EnvironmentError& error) {
        refuse(channel, exit_environment, error.what());
    } catch (const std::exception& error) {
        refuse(channel, exit_internal,
               "worker " + std::to_string(channel.rank()) + ": " + describe_failure(error).reason);
    }
}

}  // namespace workers
