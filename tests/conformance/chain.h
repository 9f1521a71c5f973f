#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/diffusion/noise_predictor.h"
#include "pipeline/diffusion/noise_schedule.h"
#include "pipeline/samplers/sampler.h"
#include "tests/conformance/golden_file.h"
#include "tests/conformance/network_files.h"
#include "tests/conformance/stored_noise.h"

namespace conformance {

/// A dataset that an attribute names, "noise/z_small", or one row of its batch, "measurements/box row 0".
struct StoredReference {
    std::string path;
    std::int64_t first_row = 0;

    static StoredReference parse(const std::string& text);
};

/// How a group of samplers.h5 was run: everything but its states, read from its attributes.
struct ChainSettings {
    std::string group;   ///< Where the attributes are.
    std::string method;  ///< "ddpm", "ddim", "sdedit", "dps", "score_ald"
    std::int64_t rows = 1;
    std::vector<int> timesteps;  ///< Of the executed steps, in order.
};

/// One sampler set up for some rows of a group, with the stored noise.
class Chain {
  public:
    /// @param first_row, rows  which of the group's rows
    /// @throws NotBuilt  where the group asks for what the program does not have
    Chain(const GoldenFile& file, const ChainSettings& settings, NetworkShelf& networks, std::int64_t first_row,
          std::int64_t rows);

    const pipeline::Sampler& sampler() const { return *sampler_; }
    const pipeline::NoiseSchedule& schedule() const { return schedule_; }
    /// Timesteps of the sampler's levels, from the noisiest down.
    std::vector<int> timesteps() const;

    /// One step from the state before it. x [N, C, H, W].
    at::Tensor step(const at::Tensor& x, int timestep, pipeline::StepTrace* trace = nullptr) const;

  private:
    pipeline::NoiseSchedule schedule_;
    std::unique_ptr<StoredNoise> noise_;
    std::unique_ptr<pipeline::Sampler> sampler_;
    std::map<int, pipeline::Level> levels_;  // by timestep
};

/// Rows of a stored batch, or the same row for all where a reference names one.
at::Tensor stored_rows(const GoldenFile& file, const std::string& reference, std::int64_t first_row, std::int64_t rows);

}  // namespace conformance
