#include "workers/shard_run.h"

#include <iostream>
#include <optional>

#include "cluster/node_layout.h"
#include "cluster/signals.h"
#include "jobs/journal.h"
#include "workers/clock.h"
#include "workers/folder_check.h"
#include "workers/journal_entries.h"
#include "workers/remaining_work.h"
#include "workers/requests.h"
#include "workers/run_campaign.h"
#include "workers/unit_computer.h"
#include "workers/verdict.h"
#include "workers/worker.h"

namespace workers {

namespace {

/// A unit is expected to take so many times what the cost model says, and to end so long before the deadline.
constexpr double shard_caution = 1.2, shard_margin_seconds = 5;

/// Thrown out of a unit where this process has to leave.
struct ShardEnd {
    Verdict verdict;
};

class ShardRun {
  public:
    ShardRun(const jobs::Campaign& campaign, const jobs::Shard& shard, const RunSettings& settings, RemainingWork& work)
        : campaign_(campaign),
          settings_(settings),
          work_(work),
          journal_(campaign.folder(), shard.journal_name()),
          requests_(campaign.folder()),
          device_(take_device(campaign.plan(), cluster::node_place().local_rank)),
          author_{shard.index, cluster::node_place().host, device_.words},
          group_(cluster::lone_collective()),
          computer_(campaign.folder(), campaign.plan(), device_, *group_) {
        note("run", -1);
    }

    Verdict run() {
        try {
            while (const std::optional<std::int64_t> unit = next_unit()) compute(*unit);
        } catch (const ShardEnd& end) {
            return end.verdict;
        }
        const auto& quarantined = work_.queue.quarantined();
        if (quarantined.empty()) return {.exit_code = exit_done};
        return {.exit_code = exit_quarantined,
                .reason = std::to_string(quarantined.size()) + " units failed",
                .quarantined = quarantined};
    }

  private:
    void note(const std::string& event, std::int64_t unit, const std::string& reason = {}) {
        journal_.append(entry_of(event, author_, unit, reason));
    }

    /// What ends the shard even in the middle of a unit.
    void look_up() {
        if (const int signal = cluster::termination_signal(); signal != 0) {
            throw ShardEnd{{.exit_code = 128 + signal, .reason = "stopped by signal " + std::to_string(signal)}};
        }
        if (epoch_seconds() > settings_.deadline - shard_margin_seconds) {
            throw ShardEnd{{.exit_code = exit_incomplete, .reason = "no time is left"}};
        }
        if (requests_.read() == Request::cancel) throw ShardEnd{{.exit_code = exit_cancelled, .reason = "cancelled"}};
    }

    std::optional<std::int64_t> next_unit() {
        look_up();
        const std::string left = " with " + std::to_string(work_.queue.waiting()) + " units of the shard left";
        if (work_.queue.waiting() == 0) return std::nullopt;
        if (cluster::is_drain_requested() || requests_.read() == Request::drain) {
            throw ShardEnd{{.exit_code = exit_incomplete, .reason = "drained" + left}};
        }
        const std::optional<std::int64_t> unit =
            work_.queue.assign(author_.rank, true, [&](std::int64_t candidate) { return ends_in_time(candidate); });
        if (!unit) throw ShardEnd{{.exit_code = exit_incomplete, .reason = "no time is left" + left}};
        return unit;
    }

    bool ends_in_time(std::int64_t unit) const {
        const jobs::SweepPlan& plan = campaign_.plan();
        const double seconds = work_.costs.seconds(plan.configuration_index(unit), plan.cost(unit)).value_or(0);
        return epoch_seconds() + shard_caution * seconds <= settings_.deadline - shard_margin_seconds;
    }

    void compute(std::int64_t unit) {
        note("assigned", unit);
        journal_.sync();
        try {
            const pipeline::UnitCost cost = computer_.compute(unit, [&] { look_up(); });
            work_.queue.commit(unit);
            work_.costs.learn(campaign_.plan().configuration_index(unit), campaign_.plan().cost(unit), cost.seconds);
            journal_.append(commit_entry(author_, unit, cost));
            journal_.sync();
        } catch (const ShardEnd& end) {
            note("released", unit, end.verdict.reason);
            throw;
        } catch (const std::exception& error) {
            fail(unit, describe_failure(error));
        }
    }

    void fail(std::int64_t unit, FailureReport report) {
        blame_folder(report, campaign_.folder(), computer_.unit_file_bytes());
        if (report.exit_code != 0) {
            note("released", unit, report.reason);
            throw ShardEnd{{.exit_code = report.exit_code, .reason = report.reason}};
        }
        note("failed", unit, report.reason);
        if (work_.queue.fail(unit, author_.rank, report.reason, report.may_pass))
            note("quarantined", unit, report.reason);
    }

    const jobs::Campaign& campaign_;
    const RunSettings& settings_;
    RemainingWork& work_;
    jobs::Journal journal_;
    RequestReader requests_;
    RankDevice device_;
    Author author_;
    std::unique_ptr<cluster::Collective> group_;
    UnitComputer computer_;
};

}  // namespace

int run_shard(const jobs::Campaign& campaign, const jobs::Shard& shard, const RunSettings& settings) {
    cluster::install_signal_handlers();
    const std::vector<std::int64_t> own = jobs::shard_units(campaign.plan(), shard);
    RemainingWork work = remaining_work(campaign, settings.only, own);
    const std::string name = "shard " + shard.text();
    std::cout << campaign.folder().string() << ": " << name << ", " << work.queue.waiting() << " of " << own.size()
              << " units to do" << std::endl;
    Verdict verdict{.exit_code = work.queue.quarantined().empty() ? exit_done : exit_quarantined,
                    .quarantined = work.queue.quarantined()};
    if (work.queue.waiting() > 0) verdict = ShardRun(campaign, shard, settings, work).run();
    const bool is_last = static_cast<std::int64_t>(campaign.committed().size()) == campaign.plan().unit_count();
    if (verdict.exit_code == exit_done && !is_last) {
        std::cout << name << " is done; the run is, when all shards are" << std::endl;
        return exit_done;
    }
    if (is_last) campaign.remove_temporaries();
    return conclude(campaign, verdict);
}

}  // namespace workers
