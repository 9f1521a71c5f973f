#include <cstdlib>
#include <thread>

#include "cluster/mpi_collective.h"
#include "cluster/nccl_collective.h"
#include "cluster/node_layout.h"
#include "cluster/process_watch.h"
#include "cluster/signals.h"
#include "jobs/job_error.h"
#include "workers/folder_check.h"
#include "workers/rank_log.h"
#include "workers/ranks.h"
#include "workers/unit_computer.h"
#include "workers/worker.h"

namespace workers {

namespace {

/// Coordinator's rank and the first worker's, which reads the checkpoint.
constexpr int first_worker = 1;

/// Tells rank 0 why this rank cannot take part, and waits for the end that it brings about.
[[noreturn]] void refuse(cluster::Channel& channel, int exit_code, const std::string& reason) {
    channel.send(0, to_text({.kind = MessageKind::refused, .exit_code = exit_code, .reason = reason}));
    for (int tenth = 0; tenth < 300 && cluster::termination_signal() == 0; ++tenth) {
        const std::optional<cluster::Envelope> envelope = channel.poll();
        if (envelope && parse_message(envelope->text).kind == MessageKind::stop) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::_Exit(exit_code);
}

/// The first workers load together; one that joins later loads alone.
std::unique_ptr<cluster::Collective> loading_group(bool is_replacement) {
    return is_replacement ? cluster::lone_collective() : cluster::mpi_collective(first_worker);
}

/// The group of the GPUs, over the same ranks; nothing where there is none to be had.
std::unique_ptr<cluster::Collective> group_of_gpus(const RankDevice& device, cluster::Collective& host, RankLog& log) {
    if (device.uuid.empty() || host.size() == 1) return nullptr;
    if (cluster::share_a_device(host, device.uuid)) {
        log.note("weights go by MPI", {{"reason", "NCCL takes no two ranks on one GPU"}});
        return nullptr;
    }
    return device.make_group(host);
}

void greet(cluster::Channel& channel, const jobs::SweepPlan& plan, const RankDevice& device) {
    const cluster::NodePlace place = cluster::node_place();
    channel.send(0, to_text({.kind = MessageKind::hello,
                             .process = place.process,
                             .host = place.host,
                             .device = device.words,
                             .digest = plan.digest()}));
}

/// The group lives for the start-up alone: a later death can hang no collective.
UnitComputer loaded_computer(const std::filesystem::path& folder, const jobs::SweepPlan& plan, const RankDevice& device,
                             bool is_replacement, RankLog& log) {
    const std::unique_ptr<cluster::Collective> host = loading_group(is_replacement);
    const std::unique_ptr<cluster::Collective> gpus = group_of_gpus(device, *host, log);
    cluster::Collective* const group = gpus ? gpus.get() : host.get();
    UnitComputer computer(folder, plan, device, *group);
    computer.on_refused_capture([&log](const std::string& reason) {
        log.note("steps are not captured", {{"reason", reason}});
    });
    log.note("replicas agree", {{"checksum", std::to_string(computer.checksum())},
                                {"replicas", std::to_string(group->size())},
                                {"by", group->name()},
                                {"read_checkpoint", group->rank() == 0 ? "yes" : "no"}});
    return computer;
}

/// A unit on its way through the computer.
class ComputedUnit final : public UnitTask {
  public:
    ComputedUnit(UnitComputer& computer, RankLog& log, std::int64_t unit)
        : run_(computer.begin(unit)), log_(log), unit_(unit) {}

    void prepare() override { run_->prepare(); }
    void sample(const std::function<void()>& heartbeat) override { run_->sample(heartbeat); }
    pipeline::UnitCost finish() override {
        const pipeline::UnitCost cost = run_->finish();
        log_.note("committed", {{"unit", std::to_string(unit_)}, {"seconds", std::to_string(cost.seconds)}});
        return cost;
    }

  private:
    std::unique_ptr<pipeline::UnitRun> run_;
    RankLog& log_;
    std::int64_t unit_;
};

/// Everything up to the loop may throw: then this rank cannot start.
Departure work_on(cluster::Channel& channel, const RankTask& task, RankLog& log) {
    const jobs::Campaign campaign = jobs::Campaign::open(task.folder);
    const RankDevice device =
        take_device(campaign.plan(), task.place >= 0 ? task.place : cluster::node_place().local_rank);
    greet(channel, campaign.plan(), device);
    UnitComputer computer = loaded_computer(task.folder, campaign.plan(), device, task.number > 0, log);
    channel.send(0, to_text({.kind = MessageKind::loaded, .checksum = computer.checksum()}));

    cluster::ProcessWatch coordinator;
    WorkerSettings settings;
    settings.silence_seconds = task.settings.silence_seconds;
    settings.is_terminated = [] { return cluster::termination_signal() != 0; };
    settings.on_coordinator = [&](const std::string& host, int process) { coordinator.watch(0, host, process); };
    settings.is_coordinator_gone = [&] { return !coordinator.ended().empty(); };
    settings.on_failure = [&](std::int64_t unit, FailureReport& report) {
        blame_folder(report, task.folder, computer.unit_file_bytes());
        log.note("failed", {{"unit", std::to_string(unit)}, {"reason", report.reason}});
        if (device_answers(device.placement.device)) return;
        // Every further unit would fail here; its end is noticed, and the unit is dealt to another worker.
        log.note("the device does not answer any more");
        std::_Exit(exit_internal);
    };
    settings.works_ahead = task.settings.work_ahead.value_or(device.placement.device.is_cuda());
    settings.on_side_thread = [&] { computer.set_threads(); };
    return work(
        channel, [&](std::int64_t unit) { return std::make_unique<ComputedUnit>(computer, log, unit); }, settings);
}

}  // namespace

void run_worker(cluster::Channel& channel, const RankTask& task) {
    Departure departure = Departure::stopped;
    try {
        RankLog log(task.folder, channel.rank());
        departure = work_on(channel, task, log);
        const char* words[] = {"stopped", "terminated", "the coordinator is gone"};
        log.note(words[static_cast<int>(departure)]);
    } catch (const jobs::JobError& error) {
        refuse(channel, exit_refused, error.what());
    } catch (const jobs::EnvironmentError& error) {
        refuse(channel, exit_environment, error.what());
    } catch (const std::exception& error) {
        refuse(channel, exit_internal,
               "worker " + std::to_string(channel.rank()) + ": " + describe_failure(error).reason);
    }
    // Finalising waits for ranks that may be no more.
    if (departure == Departure::terminated) std::_Exit(128 + cluster::termination_signal());
    if (departure == Departure::coordinator_gone) std::_Exit(exit_incomplete);
}

}  // namespace workers
