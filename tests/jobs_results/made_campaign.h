#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "jobs/campaign.h"
#include "tests/support/paths.h"

/// A run whose units no sampler made: real photos, plans, measurements and metrics, restorations that are the truth
/// with a pattern on it. Row 0 of unit 1 diverged. One photo's name has a comma, quotes and a line break.
class MadeCampaign {
  public:
    using IsMade = std::function<bool(const pipeline::WorkUnit&)>;

    /// The job of most tests, five photos in blocks of two: every kind of method, axes of method and operator, two
    /// noise levels, two samples.
    static std::string job_text();

    /// @param is_made  which units are there; others are missing
    explicit MadeCampaign(
        const std::string& job = job_text(), IsMade is_made = [](const auto&) { return true; });

    const jobs::Campaign& campaign() const { return *campaign_; }
    std::filesystem::path folder() const { return folder_ / "run"; }
    std::filesystem::path results() const { return folder() / "results.h5"; }

    /// Notes in the journal that every unit took this long.
    void journal(double seconds) const;
    /// Writes a unit, with a pattern of this strength on its images.
    void make_unit(const pipeline::WorkUnit& unit, double strength) const;

  private:
    void copy_photos() const;

    test_support::TemporaryFolder folder_;
    std::unique_ptr<pipeline::Dataset> dataset_;
    std::unique_ptr<jobs::Campaign> campaign_;
};
