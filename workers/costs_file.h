#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "jobs/sweep_plan.h"

namespace workers {

/// What a network call takes on a machine, as `diffinv calibrate` has measured it.
struct MeasuredCost {
    std::string network;    ///< SHA-256 of its settings: weights do not change how long it takes.
    std::string device;     ///< "cpu AMD EPYC 9654", "cuda NVIDIA H100 80GB HBM3"
    std::string precision;  ///< float32, tf32, bfloat16
    int height = 0, width = 0, batch = 0, threads = 0;
    double forward_seconds = 0;   ///< Of a call, for one image.
    double gradient_seconds = 0;  ///< Of a call with the gradient with respect to x_t, for one image.
    double time = 0;              ///< When it was measured, seconds since the epoch.
};

/// costs.json in DIFFINV_CACHE, or $XDG_CACHE_HOME/diffinv, or ~/.cache/diffinv; nothing where there is no home.
std::optional<std::filesystem::path> costs_path();

/// What has been measured; nothing where there is no file. A file that is none of this program's is passed over.
/// @param complain  told in one line of a file that cannot be used; may be null
std::vector<MeasuredCost> read_costs(const std::function<void(const std::string&)>& complain);

/// Puts a measurement in the place of an earlier one of the same network, device, precision, size, batch and threads.
/// @return where
/// @throws jobs::EnvironmentError  where it cannot be written
std::filesystem::path store_cost(const MeasuredCost& cost);

/// How this machine's processor is called.
std::string processor_name();
std::string network_digest(const std::string& model_settings);

/// Seconds for each unit of predicted cost (a forward pass of one image) of a configuration on this machine; 0 where it
/// has not been measured for the plan's network, size, threads and precision. Of several batches the nearest counts.
/// @param device  as in MeasuredCost
double measured_rate(const std::vector<MeasuredCost>& costs, const jobs::SweepPlan& plan,
                     const jobs::PlannedConfiguration& planned, const std::string& device);

}  // namespace workers
