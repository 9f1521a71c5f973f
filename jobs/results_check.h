#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "jobs/campaign.h"
#include "jobs/verify.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sha256.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

/// Holds results.h5 to the units and measurements it was merged from, one at a time, in the order of `merge`. After the
/// first thing that is wrong it looks no further. Does nothing where the file is absent or outdated.
class ResultsCheck {
  public:
    /// @param committed  the units that are there
    ResultsCheck(const Campaign& campaign, std::span<const std::int64_t> committed);

    ResultsState state() const { return state_; }

    /// The next unit, which was found whole: its images byte by byte as they are stored, its measured columns.
    void add_unit(const pipeline::UnitFile& unit);
    /// The next unit is damaged: its rows, and the digest over all, cannot be checked.
    void pass_over(std::int64_t unit);
    /// The next measurement, which was found whole.
    /// @param is_used  a unit that reads it is committed; one that is not used may be newer than results.h5
    void add_measurement(const std::filesystem::path& name, bool is_used);
    void pass_over_measurement() { is_whole_ = false; }

    /// Compares the digest over all and reads images against HDF5's checksums, columns against theirs.
    /// @return what is wrong with results.h5, in one line
    std::optional<std::string> finish();

  private:
    template <typename Check>
    void guarded(Check check);
    void compare_images(const pipeline::UnitFile& unit, const pipeline::Hdf5File& stored);
    void pass_rows(std::int64_t unit);
    /// The dataset of a unit's images.
    std::string restored_name(const pipeline::UnitFile& unit) const;
    void compare_columns(const pipeline::UnitFile& unit);
    void read_through(const std::string& name) const;
    void read_measurements() const;
    bool is_active() const { return file_ && !wrong_; }

    const Campaign& campaign_;
    ResultsState state_ = ResultsState::absent;
    std::optional<pipeline::Hdf5File> file_;
    pipeline::Sha256 digest_;
    bool is_whole_ = true;  ///< Nothing was passed over.
    bool has_unused_ = false;
    std::int64_t row_ = 0;
    std::vector<std::string> restored_sizes_;
    std::map<std::string, std::int64_t> rows_of_size_;  ///< The same in each dataset of restored images.
    std::optional<std::string> wrong_;
};

}  // namespace jobs
