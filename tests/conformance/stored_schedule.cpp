#include "tests/conformance/stored_schedule.h"

#include "tests/conformance/report.h"

namespace conformance {

pipeline::NoiseSchedule named_schedule(const std::string& name, std::int64_t steps) {
    if (name == "linear") return pipeline::NoiseSchedule::linear(static_cast<int>(steps));
    if (name == "cosine") return pipeline::NoiseSchedule::cosine(static_cast<int>(steps));
    throw NotBuilt("the schedule " + name + " is not built");
}

pipeline::NoiseSchedule respaced_schedule(const pipeline::NoiseSchedule& whole, const std::string& request) {
    return whole.respaced(pipeline::space_timesteps(whole.size(), request));
}

}  // namespace conformance
