#pragma once

#include <string>

#include "workers/coordinator.h"
#include "workers/crew.h"
#include "workers/status.h"
#include "workers/work_queue.h"

namespace workers {

/// How a run stands at the monotonic time `now`: counts from the queue, what is left by predicted cost, every worker.
/// @param began  Monotonic seconds at which this coordinator began.
Status status_of(const WorkQueue& queue, const Crew& crew, const CoordinatorSettings& settings,
                 const std::string& state, double began, double now);

}  // namespace workers
