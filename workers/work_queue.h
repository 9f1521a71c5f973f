#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace workers {

/// A unit that waits, with what it is predicted to cost (any unit of cost, the same for all).
struct PendingUnit {
    std::int64_t number = 0;
    double cost = 0;
};

/// A unit that was given up, and why.
struct QuarantinedUnit {
    std::int64_t number = 0;
    std::string reason;
};

/// Which units wait, run, are done or given up. The longest waiting unit is dealt first, ties by number. It has no I/O
/// and no clock; ranks are numbers that it compares.
class WorkQueue {
  public:
    /// @param maximum_attempts  failures that may pass, after which a unit is given up
    explicit WorkQueue(std::vector<PendingUnit> units, int maximum_attempts = 2);

    /// Deals a unit to a rank, or nothing. A unit that failed on a rank goes to another one, unless there is none.
    std::optional<std::int64_t> assign(int rank, bool is_only_rank);
    /// The unit's file exists. Late and repeated news are harmless.
    /// @return whether it was news
    bool commit(std::int64_t unit);
    /// The unit threw on this rank. News of a unit that this rank does not run are passed over.
    /// @param may_pass  true where another attempt may succeed: the unit waits again
    /// @return true where the unit was given up
    bool fail(std::int64_t unit, int rank, const std::string& reason, bool may_pass);

    bool is_finished() const { return waiting_.empty() && running_.empty(); }
    std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size()); }
    std::int64_t running() const { return static_cast<std::int64_t>(running_.size()); }
    std::int64_t committed() const { return static_cast<std::int64_t>(committed_.size()); }
    const std::vector<QuarantinedUnit>& quarantined() const { return quarantined_; }
    double cost_committed() const { return cost_committed_; }
    double cost_total() const { return cost_total_; }
    double cost(std::int64_t unit) const { return cost_.at(unit); }

  private:
    struct ByCost {
        bool operator()(const PendingUnit& a, const PendingUnit& b) const {
            return a.cost != b.cost ? a.cost > b.cost : a.number < b.number;
        }
    };
    struct Failures {
        int attempts = 0;
        std::set<int> ranks;
    };

    std::set<PendingUnit, ByCost> waiting_;
    std::map<std::int64_t, int> running_;  ///< Unit → rank.
    std::set<std::int64_t> committed_;
    std::vector<QuarantinedUnit> quarantined_;
    std::map<std::int64_t, Failures> failures_;
    std::unordered_map<std::int64_t, double> cost_;
    int maximum_attempts_;
    double cost_total_ = 0;
    double cost_committed_ = 0;
};

}  // namespace workers
