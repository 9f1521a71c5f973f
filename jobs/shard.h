#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/sweep_plan.h"

namespace jobs {

/// One of several processes that share a plan without a coordinator: `--shard 3/8`.
struct Shard {
    int index = 1;  ///< 1 … count
    int count = 1;

    /// @throws JobError  where the text is no I/K with 1 ≤ I ≤ K ≤ 100000
    static Shard parse(const std::string& text);
    /// "3/8"
    std::string text() const;
    /// "journal-shard-3-of-8.jsonl": only one process may append to a journal.
    std::string journal_name() const;
    bool operator==(const Shard&) const = default;
};

/// The units of a shard, longest first. Every process finds the same partition of the plan: units by predicted cost,
/// longest first and of equal ones the lower number, are dealt over the shards to and fro (1 … K, K … 1, …), so that
/// two shards differ by no more than the longest unit. O(units · log units).
std::vector<std::int64_t> shard_units(const SweepPlan& plan, Shard shard);

}  // namespace jobs
