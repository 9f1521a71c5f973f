#include "workers/remaining_work.h"

#include <algorithm>
#include <map>
#include <vector>

#include "jobs/journal.h"
#include "jobs/part.h"
#include "jobs/unit_history.h"

namespace workers {

namespace {

CostModel learnt_costs(const jobs::Campaign& campaign) {
    const jobs::SweepPlan& plan = campaign.plan();
    CostModel costs;
    jobs::for_each_journal_entry(campaign.folder(), [&](const jobs::JournalEntry& entry) {
        if (entry.event != "committed" || entry.unit < 0 || entry.unit >= plan.unit_count()) return;
        costs.learn(plan.configuration_index(entry.unit), plan.cost(entry.unit), entry.seconds);
    });
    return costs;
}

}  // namespace

RemainingWork remaining_work(const jobs::Campaign& campaign, const std::string& only,
                             const std::optional<std::vector<std::int64_t>>& among) {
    const jobs::SweepPlan& plan = campaign.plan();
    const jobs::Part part = only.empty() ? jobs::Part() : jobs::Part::parse(only, plan);
    const std::vector<std::int64_t> committed = campaign.committed();
    const std::map<std::int64_t, jobs::UnitHistory> histories = jobs::read_histories(campaign.folder());
    std::vector<PendingUnit> units;
    const auto consider = [&](std::int64_t number) {
        if (!part.contains(number) || std::ranges::binary_search(committed, number)) return;
        const auto history = histories.find(number);
        units.push_back({number, plan.cost(number), history == histories.end() ? 0 : history->second.deaths});
    };
    if (among) {
        std::ranges::for_each(*among, consider);
    } else {
        for (std::int64_t number = 0; number < plan.unit_count(); ++number) consider(number);
    }
    RemainingWork work{WorkQueue(std::move(units)), static_cast<std::int64_t>(committed.size()),
                       learnt_costs(campaign)};
    for (const auto& [number, history] : histories) {
        if (history.is_quarantined) work.queue.quarantine(number, history.reason);
    }
    return work;
}

}  // namespace workers
