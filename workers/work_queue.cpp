#include "workers/work_queue.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace workers {

WorkQueue::WorkQueue(std::vector<PendingUnit> units, AttemptLimits limits) : limits_(limits) {
    std::ranges::sort(units, {}, &PendingUnit::number);
    const auto twice = std::ranges::adjacent_find(units, {}, &PendingUnit::number);
    if (twice != units.end()) {
        throw std::invalid_argument("work queue: unit " + std::to_string(twice->number) + " is there twice");
    }
    numbers_.reserve(units.size());
    costs_.reserve(units.size());
    for (const PendingUnit& unit : units) {
        numbers_.push_back(unit.number);
        costs_.push_back(unit.cost);
        cost_total_ += unit.cost;
        if (unit.deaths > 0) histories_[unit.number].deaths = unit.deaths;
    }
    states_.assign(units.size(), State::waiting);
    waiting_ = static_cast<std::int64_t>(units.size());
    order_.resize(units.size());
    std::iota(order_.begin(), order_.end(), Index{0});
    std::ranges::stable_sort(order_, [&](Index a, Index b) { return costs_[a] > costs_[b]; });
    for (Index unit = 0; unit < units.size(); ++unit) {
        if (units[unit].deaths >= limits_.deaths) {
            give_up(unit, "worker or run ended " + std::to_string(units[unit].deaths) + " times while at it");
        }
    }
}

std::optional<WorkQueue::Index> WorkQueue::find(std::int64_t unit) const {
    const auto found = std::ranges::lower_bound(numbers_, unit);
    if (found == numbers_.end() || *found != unit) return std::nullopt;
    return static_cast<Index>(found - numbers_.begin());
}

double WorkQueue::cost(std::int64_t unit) const {
    const std::optional<Index> index = find(unit);
    if (!index) throw std::out_of_range("work queue: no unit " + std::to_string(unit));
    return costs_[*index];
}

bool WorkQueue::is_suspect(std::int64_t unit) const {
    const auto history = histories_.find(unit);
    return history != histories_.end() && history->second.deaths > 0;
}

bool WorkQueue::suits(Index unit, int rank, bool is_only_rank, const std::function<bool(std::int64_t)>& fits) const {
    if (fits && !fits(numbers_[unit])) return false;
    if (is_only_rank || histories_.empty()) return true;
    const auto history = histories_.find(numbers_[unit]);
    return history == histories_.end() || !history->second.failed_on.contains(rank);
}

std::int64_t WorkQueue::deal(Index unit, int rank) {
    states_[unit] = State::running;
    --waiting_;
    running_[numbers_[unit]] = rank;
    return numbers_[unit];
}

std::optional<std::int64_t> WorkQueue::assign(int rank, bool is_only_rank,
                                              const std::function<bool(std::int64_t)>& fits) {
    while (next_ < order_.size() && states_[order_[next_]] != State::waiting) ++next_;
    // The longest that suits, of those that wait for the first time and of those that wait again.
    auto again = returned_.begin();
    while (again != returned_.end() && !suits(again->second, rank, is_only_rank, fits)) ++again;
    for (std::size_t place = next_; place < order_.size(); ++place) {
        const Index unit = order_[place];
        if (again != returned_.end() && again->first < std::pair(-costs_[unit], numbers_[unit])) break;
        if (states_[unit] != State::waiting || returned_.contains({-costs_[unit], numbers_[unit]})) continue;
        if (suits(unit, rank, is_only_rank, fits)) return deal(unit, rank);
    }
    if (again == returned_.end()) return std::nullopt;
    const Index unit = again->second;
    returned_.erase(again);
    return deal(unit, rank);
}

bool WorkQueue::take_from(std::int64_t unit, int rank) {
    const auto running = running_.find(unit);
    if (running == running_.end() || running->second != rank) return false;
    running_.erase(running);
    return true;
}

void WorkQueue::wait_again(Index unit) {
    states_[unit] = State::waiting;
    ++waiting_;
    returned_[{-costs_[unit], numbers_[unit]}] = unit;
}

void WorkQueue::give_up(Index unit, const std::string& reason) {
    if (states_[unit] == State::waiting) --waiting_;
    states_[unit] = State::quarantined;
    quarantined_.push_back({numbers_[unit], reason});
}

bool WorkQueue::commit(std::int64_t unit) {
    const std::optional<Index> index = find(unit);
    if (!index || states_[*index] == State::committed) return false;
    // A late answer also takes the unit from whoever has it now, and out of quarantine: its file is there.
    if (states_[*index] == State::running) running_.erase(unit);
    if (states_[*index] == State::waiting) {
        --waiting_;
        returned_.erase({-costs_[*index], unit});
    }
    if (states_[*index] == State::quarantined) {
        std::erase_if(quarantined_, [&](const QuarantinedUnit& entry) { return entry.number == unit; });
    }
    states_[*index] = State::committed;
    ++committed_;
    cost_committed_ += costs_[*index];
    histories_.erase(unit);
    return true;
}

bool WorkQueue::fail(std::int64_t unit, int rank, const std::string& reason, bool may_pass) {
    if (!take_from(unit, rank)) return false;
    History& history = histories_[unit];
    history.failed_on.insert(rank);
    if (may_pass && ++history.failures < limits_.failures) {
        wait_again(*find(unit));
        return false;
    }
    give_up(*find(unit), reason);
    return true;
}

bool WorkQueue::lose(std::int64_t unit, int rank, const std::string& reason) {
    if (!take_from(unit, rank)) return false;
    if (++histories_[unit].deaths < limits_.deaths) {
        wait_again(*find(unit));
        return false;
    }
    give_up(*find(unit), reason + ", the last of " + std::to_string(histories_[unit].deaths) + " deaths at this unit");
    return true;
}

void WorkQueue::quarantine(std::int64_t unit, const std::string& reason) {
    const std::optional<Index> index = find(unit);
    if (index && states_[*index] == State::waiting) give_up(*index, reason);
}

void WorkQueue::release(std::int64_t unit, int rank) {
    if (take_from(unit, rank)) wait_again(*find(unit));
}

}  // namespace workers
