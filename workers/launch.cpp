#include "workers/launch.h"

#include <cstdio>
#include <filesystem>
#include <random>

#include "cluster/launcher.h"
#include "cluster/node_layout.h"
#include "cluster/process_watch.h"
#include "workers/folder_check.h"
#include "workers/progress.h"
#include "workers/ranks.h"

namespace workers {

namespace {

namespace fs = std::filesystem;

constexpr int starts_at_most = 4;

/// Follows one launch through the run's folder: the coordinator's status, its verdict, its death.
class Follower {
  public:
    Follower(const fs::path& folder, const std::string& launch) : folder_(folder), launch_(launch) {}

    void look() {
        const std::optional<Status> status = read_status(folder_);
        if (!status || status->launch != launch_) return;
        progress_.show(*status);
        is_started_ = true;
        if (status->process != 0 && !is_watching_) {
            is_watching_ = true;
            coordinator_.watch(0, status->host, status->process);
        }
    }
    /// True once there is a verdict, or nobody is left who could give one.
    bool is_decided() {
        is_gone_ = is_gone_ || !coordinator_.ended().empty();
        return is_gone_ || verdict();
    }
    /// Of this launch.
    std::optional<Verdict> verdict() const {
        std::optional<Verdict> found = read_verdict(folder_);
        return found && found->launch == launch_ ? found : std::nullopt;
    }
    /// The coordinator has spoken: from then on it looks after the workers.
    bool is_started() const { return is_started_; }
    void clear() { progress_.clear(); }

  private:
    fs::path folder_;
    std::string launch_;
    Progress progress_;
    cluster::ProcessWatch coordinator_;
    bool is_started_ = false, is_watching_ = false, is_gone_ = false;
};

Verdict launch_once(const jobs::Campaign& campaign, const RunSettings& settings) {
    const fs::path& folder = campaign.folder();
    remove_verdict(folder);
    fs::remove(folder / "status.json");
    fs::create_directories(folder / "logs");
    // A run that was killed a moment ago may still leave its status and verdict.
    RunSettings own = settings;
    own.launch = std::to_string(std::random_device{}());
    // A start on several nodes asks all their daemons: one that is lost would end mpirun.
    if (cluster::allocated_nodes() > 1) own.replacements = 0;
    Follower follower(folder, own.launch);
    cluster::Supervision supervision;
    supervision.log = folder / "logs" / "mpirun.log";
    supervision.tick = [&] { follower.look(); };
    supervision.is_decided = [&] { return follower.is_decided(); };
    supervision.is_started = [&] {
        follower.look();
        return follower.is_started() || follower.is_decided();
    };
    supervision.start_seconds = settings.load_seconds;
    const cluster::LaunchResult result = cluster::supervise(
        cluster::mpirun_command(settings.workers, rank_command_words({folder, own, 0})), supervision);
    follower.clear();

    const std::optional<Verdict> verdict = follower.verdict();
    const bool is_finished = verdict && (verdict->exit_code == exit_done || verdict->exit_code == exit_quarantined);
    if (result.signal != 0 && !is_finished) {
        return {.exit_code = 128 + result.signal, .reason = "stopped by signal " + std::to_string(result.signal)};
    }
    if (verdict) return *verdict;
    if (result.has_failed_to_start) {
        return {.exit_code = exit_incomplete, .reason = "a rank ended while they started", .may_start_again = true};
    }
    const std::string trouble = trouble_with_writing(folder, std::int64_t{1} << 16);
    if (!trouble.empty()) {
        return {.exit_code = exit_environment,
                .reason = folder.string() + ": cannot be written: " + trouble +
                          "; once it can, the same command continues the run"};
    }
    return {.exit_code = exit_internal,
            .reason = "mpirun ended with status " + std::to_string(result.status) + " and without a verdict, see " +
                      supervision.log.string()};
}

}  // namespace

std::string own_program() {
    return fs::read_symlink("/proc/self/exe").string();
}

Verdict launch(const jobs::Campaign& campaign, const RunSettings& settings) {
    Verdict verdict;
    for (int start = 0; start < starts_at_most; ++start) {
        if (start > 0) std::fprintf(stderr, "diffinv: %s; starting again\n", verdict.reason.c_str());
        verdict = launch_once(campaign, settings);
        if (!verdict.may_start_again) break;
    }
    // Of workers that were killed while they wrote.
    try {
        campaign.remove_temporaries();
    } catch (const fs::filesystem_error&) {
        // A folder that cannot be written keeps them until the next run.
    }
    return verdict;
}

}  // namespace workers
