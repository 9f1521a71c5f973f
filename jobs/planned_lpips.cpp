#include "jobs/planned_lpips.h"

namespace jobs {

std::optional<pipeline::Lpips> planned_lpips(const SweepPlan& plan) {
    if (plan.lpips() == "none") return std::nullopt;
    if (plan.lpips() == "embedded") return pipeline::Lpips::embedded();
    return pipeline::Lpips::from_file(plan.lpips());
}

}  // namespace jobs
