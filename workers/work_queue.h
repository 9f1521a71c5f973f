#pragma once

#include <cstdint>
#include <functional>
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
    int deaths = 0;  ///< Workers, or whole runs, that ended while at it, before this run.
};

/// A unit that was given up, and why.
struct QuarantinedUnit {
    std::int64_t number = 0;
    std::string reason;
};

/// After how much a unit is given up.
struct AttemptLimits {
    int failures = 2;  ///< Exceptions that may pass; one that cannot pass is enough.
    int deaths = 3;    ///< Workers that ended, or fell silent, while at the unit.
};

/// Which units wait, run, are done or given up. The longest waiting unit is dealt first, ties by number. It has no I/O
/// and no clock; ranks are numbers that it compares. Memory: about 24 bytes a unit.
class WorkQueue {
  public:
    /// Units with as many deaths as are allowed are given up at once.
    /// @throws std::invalid_argument  where a number is there twice
    explicit WorkQueue(std::vector<PendingUnit> units, AttemptLimits limits = {});

    /// Deals a unit to a rank, or nothing. A unit that failed on a rank goes to another one, unless there is none.
    /// @param fits  units for which it is false are left waiting; null: all fit
    std::optional<std::int64_t> assign(int rank, bool is_only_rank,
                                       const std::function<bool(std::int64_t)>& fits = nullptr);
    /// The unit's file exists. Late and repeated news are harmless.
    /// @return whether it was news
    bool commit(std::int64_t unit);
    /// The unit threw on this rank. News of a unit that this rank does not run are passed over.
    /// @param may_pass  true where another attempt may succeed: the unit waits again
    /// @return true where the unit was given up
    bool fail(std::int64_t unit, int rank, const std::string& reason, bool may_pass);
    /// The rank ended, or fell silent, while at the unit, which waits again. Passed over as in `fail`.
    /// @return true where the unit was given up
    bool lose(std::int64_t unit, int rank, const std::string& reason);
    /// The unit is given up before it was ever dealt: an earlier run has found out why.
    void quarantine(std::int64_t unit, const std::string& reason);
    /// The rank laid the unit down unharmed: it waits again. Passed over as in `fail`.
    void release(std::int64_t unit, int rank);

    bool is_finished() const { return waiting_ == 0 && running_.empty(); }
    std::int64_t waiting() const { return waiting_; }
    std::int64_t running() const { return static_cast<std::int64_t>(running_.size()); }
    std::int64_t committed() const { return committed_; }
    const std::vector<QuarantinedUnit>& quarantined() const { return quarantined_; }
    const std::unordered_map<std::int64_t, int>& running_units() const { return running_; }  ///< Unit → rank.
    double cost_committed() const { return cost_committed_; }
    double cost_total() const { return cost_total_; }
    double cost(std::int64_t unit) const;
    /// True where a worker, or a run, has ended while at it.
    bool is_suspect(std::int64_t unit) const;

  private:
    enum class State : std::uint8_t { waiting, running, committed, quarantined };
    using Index = std::uint32_t;
    struct History {
        int failures = 0;
        int deaths = 0;
        std::set<int> failed_on;
    };

    std::optional<Index> find(std::int64_t unit) const;
    bool suits(Index unit, int rank, bool is_only_rank, const std::function<bool(std::int64_t)>& fits) const;
    std::int64_t deal(Index unit, int rank);
    bool take_from(std::int64_t unit, int rank);
    void wait_again(Index unit);
    void give_up(Index unit, const std::string& reason);

    std::vector<std::int64_t> numbers_;  ///< Ascending; a unit's place here is its index everywhere below.
    std::vector<double> costs_;
    std::vector<State> states_;
    std::vector<Index> order_;  ///< Longest first.
    std::size_t next_ = 0;      ///< Everything before it in `order_` has been dealt once.
    /// Units that wait again, by their place in the order: none of them is among those that `next_` still reaches.
    std::map<std::pair<double, std::int64_t>, Index> returned_;
    std::unordered_map<std::int64_t, int> running_;
    std::unordered_map<std::int64_t, History> histories_;
    std::vector<QuarantinedUnit> quarantined_;
    AttemptLimits limits_;
    std::int64_t waiting_ = 0, committed_ = 0;
    double cost_total_ = 0;
    double cost_committed_ = 0;
};

}  // namespace workers
