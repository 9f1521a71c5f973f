#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/sweep_plan.h"

namespace jobs {

/// A part of a sweep: some of its configurations.
class Part {
  public:
    /// Everything.
    Part() = default;
    /// "method=dps,operator=box,operator=random": a key again means "or", different keys mean "and".
    /// Keys: method, operator, sigma-y.
    /// @throws JobError  for anything else, and for values that the plan has not
    static Part parse(const std::string& text, const SweepPlan& plan);

    bool contains(std::int64_t unit) const;

  private:
    const SweepPlan* plan_ = nullptr;   ///< Null: everything.
    std::vector<bool> configurations_;  ///< Of the plan.
};

}  // namespace jobs
