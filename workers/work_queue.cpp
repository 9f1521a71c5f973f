#include "workers/work_queue.h"

#include <algorithm>
#include <stdexcept>

namespace workers {

WorkQueue::WorkQueue(std::vector<PendingUnit> units, int maximum_attempts) : maximum_attempts_(maximum_attempts) {
    cost_.reserve(units.size());
    for (const PendingUnit& unit : units) {
        if (!cost_.emplace(unit.number, unit.cost).second) {
            throw std::invalid_argument("work queue: unit " + std::to_string(unit.number) + " is there twice");
        }
        waiting_.insert(unit);
        cost_total_ += unit.cost;
    }
}

std::optional<std::int64_t> WorkQueue::assign(int rank, bool is_only_rank) {
    const auto suits = [&](const PendingUnit& unit) {
        const auto failures = failures_.find(unit.number);
        return is_only_rank || failures == failures_.end() || !failures->second.ranks.contains(rank);
    };
    const auto found = std::find_if(waiting_.begin(), waiting_.end(), suits);
    if (found == waiting_.end()) return std::nullopt;
    const std::int64_t unit = found->number;
    waiting_.erase(found);
    running_[unit] = rank;
    return unit;
}

bool WorkQueue::commit(std::int64_t unit) {
    const auto cost = cost_.find(unit);
    if (cost == cost_.end() || !committed_.insert(unit).second) return false;
    cost_committed_ += cost->second;
    // A late answer also takes the unit from whoever has it now, and out of quarantine: its file is there.
    running_.erase(unit);
    waiting_.erase({unit, cost->second});
    std::erase_if(quarantined_, [&](const QuarantinedUnit& entry) { return entry.number == unit; });
    return true;
}

bool WorkQueue::fail(std::int64_t unit, int rank, const std::string& reason, bool may_pass) {
    const auto running = running_.find(unit);
    if (running == running_.end() || running->second != rank) return false;
    running_.erase(running);
    Failures& failures = failures_[unit];
    ++failures.attempts;
    failures.ranks.insert(rank);
    if (may_pass && failures.attempts < maximum_attempts_) {
        waiting_.insert({unit, cost_.at(unit)});
        return false;
    }
    quarantined_.push_back({unit, reason});
    return true;
}

}  // namespace workers
