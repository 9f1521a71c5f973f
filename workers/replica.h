#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cluster/collective.h"
#include "jobs/sweep_plan.h"
#include "pipeline/networks/model.h"

namespace workers {

/// SHA-256 of a checkpoint's weights: of its file, or, where it has several, of the list of their digests.
std::string weights_sha256(const pipeline::ModelDescription& description);

/// A model that every rank of a group holds alike.
struct Replica {
    std::unique_ptr<pipeline::Model> model;
    std::uint64_t checksum = 0;
};

/// Rank 0 of the group reads the checkpoint, once; the others receive its weights; an all-reduced checksum, minimum
/// equal to maximum, proves that all hold the same model. Called by every rank of the group.
/// @throws jobs::JobError      where the checkpoint is no longer the one that was planned with
/// @throws std::runtime_error  where replicas differ
Replica load_replica(const jobs::SweepPlan& plan, const pipeline::Placement& placement,
                     cluster::Collective& collective);

}  // namespace workers
