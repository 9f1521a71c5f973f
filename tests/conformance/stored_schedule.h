#pragma once

#include <cstdint>
#include <string>

#include "pipeline/diffusion/noise_schedule.h"

namespace conformance {

/// @throws NotBuilt  for names other than linear and cosine
pipeline::NoiseSchedule named_schedule(const std::string& name, std::int64_t steps);

/// The chain that a request ("250", "10,15,20", "ddim50") keeps. A request for all T steps recomputes them too, as the
/// reference does.
pipeline::NoiseSchedule respaced_schedule(const pipeline::NoiseSchedule& whole, const std::string& request);

}  // namespace conformance
