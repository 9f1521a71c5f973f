#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "workers/worker.h"

namespace test_support {

using ComputeUnit = std::function<pipeline::UnitCost(std::int64_t unit, const std::function<void()>& heartbeat)>;

/// A unit that does all that it does while it is sampled.
class WholeUnit final : public workers::UnitTask {
  public:
    WholeUnit(const ComputeUnit& compute, std::int64_t unit) : compute_(compute), unit_(unit) {}
    void prepare() override {}
    void sample(const std::function<void()>& heartbeat) override { cost_ = compute_(unit_, heartbeat); }
    pipeline::UnitCost finish() override { return cost_; }

  private:
    const ComputeUnit& compute_;
    std::int64_t unit_;
    pipeline::UnitCost cost_;
};

/// @param compute  outlives what is made
inline workers::MakeTask whole_units(const ComputeUnit& compute) {
    return [&compute](std::int64_t unit) { return std::make_unique<WholeUnit>(compute, unit); };
}

}  // namespace test_support
