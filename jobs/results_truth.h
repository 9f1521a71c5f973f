#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/results_copied_images.h"
#include "jobs/sweep_plan.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/measurement_file.h"

namespace jobs {

/// `truth` [image, y, x, channel] with the names and hashes of the images, once for all configurations: filled from
/// whichever measurement file holds a block first. Of measured images there is none: `measured_name`, `measured_sha256`
/// and what their files are like, `measured_height`, `measured_width`, `measured_channels`, `measured_bits`.
class ResultTruth {
  public:
    ResultTruth(pipeline::Hdf5File& results, const SweepPlan& plan);

    void add(std::int64_t block, const pipeline::PackedMeasurement& measured);
    /// Marks the blocks that no file held as missing, and writes names, hashes and attributes.
    void finish();

  private:
    pipeline::Hdf5File& results_;
    void write_column(const std::string& name, const std::vector<std::int64_t>& values, const std::string& long_name);

    const SweepPlan& plan_;
    std::vector<std::string> names_, hashes_;
    std::vector<std::int64_t> channels_, bits_;
    std::vector<bool> is_written_;  ///< By block.
    std::optional<CopiedImages> truth_;
};

}  // namespace jobs
