#include "workers/replica.h"

#include <stdexcept>
#include <string>

#include "cluster/nccl_collective.h"
#include "jobs/job_error.h"
#include "pipeline/data/sha256.h"

namespace workers {

std::string weights_sha256(const pipeline::ModelDescription& description) {
    if (description.shards.empty()) return pipeline::sha256_of_file(description.weights_file);
    std::string digests;
    for (const std::filesystem::path& file : description.files()) digests += pipeline::sha256_of_file(file) + "\n";
    return pipeline::sha256(digests);
}

Replica load_replica(const jobs::SweepPlan& plan, const pipeline::Placement& placement,
                     cluster::Collective& collective) {
    const pipeline::ModelDescription description = pipeline::describe_model(plan.model(), plan.model_preset());
    if (pipeline::settings_text(description) != plan.model_settings()) {
        throw jobs::JobError(description.settings_source +
                             ": the model's settings have changed since the run was planned");
    }
    Replica replica;
    if (collective.rank() == 0) {
        const std::string sha256 = weights_sha256(description);
        if (sha256 != plan.model_sha256()) {
            throw jobs::JobError(description.weights_file.string() + ": has SHA-256 " + sha256.substr(0, 12) +
                                 "…, the run was planned with " + plan.model_sha256().substr(0, 12) + "…");
        }
        replica.model = std::make_unique<pipeline::Model>(description, placement);
    } else {
        replica.model = pipeline::Model::without_weights(description, placement);
    }

    if (placement.device.is_cuda() && !collective.takes_device_tensors()) {
        cluster::broadcast_by_host(collective, replica.model->parameters(), 0);
    } else {
        collective.broadcast(replica.model->parameters(), 0);
    }

    replica.checksum = cluster::checksum(replica.model->parameters());
    const std::uint64_t lowest = collective.all_reduce_minimum(replica.checksum);
    const std::uint64_t highest = collective.all_reduce_maximum(replica.checksum);
    if (lowest != highest) {
        throw std::runtime_error("replicas differ: checksums from " + std::to_string(lowest) + " to " +
                                 std::to_string(highest) + ", this rank has " + std::to_string(replica.checksum));
    }
    return replica;
}

}  // namespace workers
