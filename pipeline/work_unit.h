#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operators/option.h"
#include "operators/shape.h"
#include "pipeline/diffusion/noise_schedule.h"

namespace pipeline {

/// One point of a sweep without its image axis: how images are damaged and how they are restored. All settings are
/// resolved numbers, no `auto`.
struct Configuration {
    std::string method;
    operators::Settings method_settings;
    std::string operator_name = "none";  ///< "none" where images are generated
    operators::Settings operator_settings;
    double sigma_y = 0;  ///< NaN where images are generated, or the noise of each is estimated
    bool estimates_sigma = false;
    double poisson_rate = 0;  ///< > 0: photon noise in place of Gaussian, and sigma_y is 0
    bool noise_on_unobserved = true;
    std::string respacing;  ///< As `space_timesteps` takes it; empty: every timestep
    VarianceKind variance = VarianceKind::fixed_small;
    bool clip = true;
    std::string class_label;  ///< What the network is conditioned on: "7", or "dataset"; empty without classes

    /// "box-24-0.05": operator, its axis settings, sigma_y. Folder of the measurements, unique within a plan.
    std::string measurement_label() const;
    /// "box_24": the same without sigma_y, with underscores: group of the measurements in results.h5.
    std::string operator_label() const;
    /// The configuration as JSON with sorted names: what a unit file records.
    std::string to_json() const;
    static Configuration from_json(const std::string& text);
};

/// One block of images at one point of the sweep: what a worker is dealt.
struct WorkUnit {
    std::int64_t number = 0;
    Configuration configuration;
    std::int64_t block = 0;                 ///< Which block of images: measurements are shared by block.
    std::vector<std::int64_t> image_index;  ///< One per row; −1 where images are generated.
    std::vector<std::int64_t> sample;       ///< One per row.
    operators::Shape image_shape = {};      ///< Of what is restored.
    operators::Shape network_shape = {};    ///< The same, or larger: what the network takes.
};

}  // namespace pipeline
