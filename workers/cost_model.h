#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace workers {

/// Seconds that a unit will take, learnt from those that ended: by configuration of the sweep where one of it has
/// ended, else by predicted cost from all.
class CostModel {
  public:
    /// @param seconds  wall time of a unit of this configuration and predicted cost
    void learn(int configuration, double cost, double seconds);
    /// Seconds, or nothing before anything was learnt.
    std::optional<double> seconds(int configuration, double cost) const;

  private:
    struct Sum {
        double cost = 0;
        double seconds = 0;
        void add(double more_cost, double more_seconds);
        double of(double one) const { return one * seconds / cost; }
    };
    std::map<int, Sum> by_configuration_;
    Sum all_;
};

}  // namespace workers
