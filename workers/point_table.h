#pragma once

#include <functional>
#include <string>
#include <vector>

#include "jobs/run_progress.h"
#include "workers/terminal.h"

namespace workers {

/// The configurations of a sweep as lines of text, a head first: method and operator with their settings, noise,
/// images, network calls, and what `cells` adds.
/// @param titles  of the added cells
std::vector<std::string> point_table(const std::vector<const jobs::PlannedConfiguration*>& points,
                                     const std::vector<std::string>& titles,
                                     const std::function<std::vector<std::string>(std::size_t point)>& cells);

/// "dps zeta=1", "box size=24", "0.05 (0.025)"; settings that are axes alone.
std::string method_words(const pipeline::Configuration& configuration);
std::string operator_words(const pipeline::Configuration& configuration);
std::string noise_words(const pipeline::Configuration& configuration);

}  // namespace workers
