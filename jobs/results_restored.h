#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "jobs/results_copied_images.h"
#include "jobs/sweep_plan.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

/// Names of what results.h5 holds for images of one size: nothing is added where all have it, "_480x640" otherwise.
std::string size_suffix(const SweepPlan& plan, const operators::Shape& shape);

/// `restored` [row, y, x, channel]; where sizes are mixed `restored_HxW` [row_HxW, y_HxW, x_HxW, channel] for each,
/// with the columns `restored_size` and `restored_place` that say where a row's image stands.
class ResultRestored {
  public:
    /// Makes the datasets and their scales.
    /// @param units  whose images will be added, in this order
    ResultRestored(pipeline::Hdf5File& results, const SweepPlan& plan, const std::vector<std::int64_t>& units);

    /// Copies a unit's images without unpacking them.
    void add(const pipeline::PackedUnit& unit);
    /// Writes the columns, where sizes are mixed. No unit can follow.
    void finish();

  private:
    void make_dataset(const operators::Shape& shape, std::int64_t rows);

    pipeline::Hdf5File& results_;
    const SweepPlan& plan_;
    bool is_mixed_;
    struct OfSize {
        CopiedImages images;
        std::int64_t rows = 0;  ///< So far.
    };
    std::map<std::string, OfSize> sizes_;
    std::vector<std::string> size_;
    std::vector<std::int64_t> place_;
};

/// A scale [0, n) along an axis of images.
void write_axis(pipeline::Hdf5File& results, const std::string& name, std::int64_t extent,
                const std::string& long_name);

}  // namespace jobs
