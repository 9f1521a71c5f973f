#pragma once

#include <string>

#include "tests/conformance/golden_file.h"
#include "tests/conformance/network_files.h"
#include "tests/conformance/report.h"

namespace conformance {

/// Largest error of one step from a stored state, absolute, in float32; for DPS, whose gradient passes through the
/// network, more.
double step_tolerance(const std::string& method);
/// Largest relative error of a residual's norm, which no gradient enters.
inline constexpr double norm_tolerance = 3e-5;
/// A free run is compared only where the reference itself stays this close to its float64 run; from pure noise DPS is
/// chaotic in float32, and no two programs agree number by number.
inline constexpr double free_run_limit = 1e-4;
/// Tolerance of a free run: ten times the reference's own distance from its float64 run, at least 2e-5.
double free_run_tolerance(double reference_error);

/// The cases of one group METHOD/NAME that stores a whole chain: `x` [K, N, C, H, W] and `timesteps` [K].
void check_stored_chain(const GoldenFile& file, const std::string& method, const std::string& name,
                        NetworkShelf& networks, Report& report);

/// The cases of one group dps_fixed_small/NAME: DPS with fixed_small, one step at some timesteps and chains from
/// others.
void check_fixed_small(const GoldenFile& file, const std::string& name, NetworkShelf& networks, Report& report);

/// The case of one group measurements/NAME: y = A(x_0) + sigma · noise.
void check_measurement(const GoldenFile& file, const std::string& name, Report& report);

}  // namespace conformance
