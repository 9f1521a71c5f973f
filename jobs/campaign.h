#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "jobs/sweep_plan.h"

namespace jobs {

/// The folder of one run. A unit is done exactly when its file exists.
class Campaign {
  public:
    /// Makes the folder (or finds it) and freezes the plan and the image list in it. The same plan continues; another
    /// is refused with the difference, and nothing in the folder is touched.
    /// @throws JobError          where the folder belongs to another job or is no run's folder
    /// @throws EnvironmentError  where it cannot be written
    static Campaign create_or_continue(const std::filesystem::path& folder, const SweepPlan& plan,
                                       const pipeline::Dataset* dataset);
    /// Opens an existing run.
    /// @throws JobError  where there is none
    static Campaign open(const std::filesystem::path& folder);

    const std::filesystem::path& folder() const { return folder_; }
    const SweepPlan& plan() const { return plan_; }

    /// Numbers of the units whose files exist, by listing folders, ascending.
    std::vector<std::int64_t> committed() const;
    /// Deletes what a crash left behind: *.tmp in the run's own folders.
    void remove_temporaries() const;

  private:
    Campaign(std::filesystem::path folder, SweepPlan plan);
    std::filesystem::path folder_;
    SweepPlan plan_;
};

}  // namespace jobs
