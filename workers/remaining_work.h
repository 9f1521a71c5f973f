#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/campaign.h"
#include "workers/cost_model.h"
#include "workers/work_queue.h"

namespace workers {

/// What a campaign still has to compute, and what its earlier runs have taught.
struct RemainingWork {
    WorkQueue queue;                     ///< Of the part: without what is committed; what was given up is quarantined.
    std::int64_t already_committed = 0;  ///< Of the whole plan.
    CostModel costs;
};

/// Files say what is committed, the journal says what was attempted.
/// @param only  the part of the sweep, as `jobs::Part` reads it; empty: all
/// @param among  only these units; nothing: all
/// @throws jobs::JobError  where `only` names what the plan has not
RemainingWork remaining_work(const jobs::Campaign& campaign, const std::string& only,
                             const std::optional<std::vector<std::int64_t>>& among = std::nullopt);

}  // namespace workers
