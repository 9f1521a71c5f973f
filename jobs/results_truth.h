#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/sweep_plan.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/measurement_file.h"

namespace jobs {

/// `truth` [image, y, x, channel] with the names and hashes of the images, once for all configurations: filled from
/// whichever measurement file holds a block first.
class ResultTruth {
  public:
    ResultTruth(pipeline::Hdf5File& results, const SweepPlan& plan);

    /// @param committed  the file that `content` was read from
    void add(std::int64_t block, const pipeline::Hdf5File& committed, const pipeline::MeasurementFile& content);
    /// Marks the blocks that no file held as missing, and writes names, hashes and attributes.
    void finish();

  private:
    pipeline::Hdf5File& results_;
    std::int64_t count_;
    std::int64_t batch_;
    std::vector<std::string> names_, hashes_;
    std::vector<bool> is_written_;  ///< By block.
};

}  // namespace jobs
