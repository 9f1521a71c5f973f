#include "workers/cost_model.h"

namespace workers {

namespace {

/// The past counts half after about as many units: machines differ, and differ over time.
constexpr double memory = 0.9;

}  // namespace

void CostModel::Sum::add(double more_cost, double more_seconds) {
    cost = memory * cost + more_cost;
    seconds = memory * seconds + more_seconds;
}

void CostModel::learn(int configuration, double cost, double seconds) {
    if (!(cost > 0) || !(seconds >= 0)) return;
    by_configuration_[configuration].add(cost, seconds);
    all_.add(cost, seconds);
}

std::optional<double> CostModel::seconds(int configuration, double cost) const {
    const auto known = by_configuration_.find(configuration);
    if (known != by_configuration_.end()) return known->second.of(cost);
    if (all_.cost > 0) return all_.of(cost);
    return std::nullopt;
}

}  // namespace workers
