#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "jobs/sweep_plan.h"

namespace jobs {

/// A part of a plan, as `--only method=dps,operator=box,operator=random` names it: all units of the configurations that
/// have one of the values given for every key. Keys are `method`, `operator` and `sigma-y`.
class Part {
  public:
    /// Everything.
    Part() = default;

    /// @throws JobError  for unknown keys, values which no configuration of the plan has, empty or repeated items, and
    /// where the values exist but no configuration has them together
    static Part parse(const std::string& text, const SweepPlan& plan);

    bool is_everything() const { return is_everything_; }
    /// O(log configurations).
    bool contains(std::int64_t unit) const;
    /// "method=dps,operator=box"; "everything".
    const std::string& text() const { return text_; }

  private:
    bool is_everything_ = true;
    std::string text_ = "everything";
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges_;  ///< First unit and the one after the last, ascending.
};

}  // namespace jobs
