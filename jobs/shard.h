#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/sweep_plan.h"

namespace jobs {

/// One of `count` static parts of a plan's units; the first is 1.
struct Shard {
    int index = 1;
    int count = 1;
};

/// "3/8".
/// @throws JobError
Shard parse_shard(const std::string& text);

/// The units of a shard, longest first. Over all shards every unit is there once, and the predicted costs are about
/// equal: units in the order of cost are dealt to and fro.
std::vector<std::int64_t> shard_units(const SweepPlan& plan, const Shard& shard);

}  // namespace jobs
