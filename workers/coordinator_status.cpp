#include "workers/coordinator_status.h"

#include <algorithm>

#include "workers/clock.h"

namespace workers {

Status status_of(const WorkQueue& queue, const Crew& crew, const CoordinatorSettings& settings,
                 const std::string& state, double began, double now) {
    Status status;
    status.state = state;
    status.launch = settings.launch;
    status.host = settings.host;
    status.process = settings.process;
    status.units = settings.units_in_plan;
    status.committed = settings.already_committed + queue.committed();
    status.running = queue.running();
    status.quarantined = static_cast<std::int64_t>(queue.quarantined().size());
    status.seconds = now - began;
    status.time = epoch_seconds();
    if (queue.committed() > 0) {
        status.units_per_second = static_cast<double>(queue.committed()) / status.seconds;
        const double cost_left = queue.cost_total() - queue.cost_committed();
        status.seconds_left = status.seconds * cost_left / std::max(queue.cost_committed(), 1e-300);
    }
    for (const auto& [rank, worker] : crew.all()) {
        status.workers.push_back(
            {rank, worker.host, to_word(worker.state), worker.at_work, now - worker.last_heard, worker.device});
    }
    return status;
}

}  // namespace workers
