#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "jobs/job.h"
#include "jobs/sweep_plan.h"
#include "pipeline/data/dataset.h"
#include "pipeline/data/file_error.h"
#include "pipeline/networks/model.h"
#include "tests/support/paths.h"

namespace test_jobs {

/// A dataset of so many images that exists in name only.
class NamedImages final : public pipeline::Dataset {
  public:
    explicit NamedImages(std::int64_t size, std::string digest = "photos");
    std::int64_t size() const override { return static_cast<std::int64_t>(names_.size()); }
    const std::string& name(std::int64_t index) const override { return names_.at(static_cast<std::size_t>(index)); }
    pipeline::ImageBatch images(std::span<const std::int64_t>) const override { return {}; }
    pipeline::MeasuredBatch measured(std::span<const std::int64_t>, const operators::Shape&) const override {
        return {};
    }
    /// Every third one is of another size.
    pipeline::ImageHeader header(std::int64_t index) const override { return {3, index % 3 == 2 ? 50 : 40, 60, 8}; }
    void check(std::span<const std::int64_t>) const override {}
    std::string digest() const override { return digest_; }
    std::vector<std::int64_t> labels(std::span<const std::int64_t>) const override {
        throw pipeline::FileError("photos", "no labels");
    }

    std::vector<std::string> names_;

  private:
    std::string digest_;
};

/// 64x64 RGB, linear schedule of 1000 steps, four levels, no learned variance: the quickstart's model without a file.
pipeline::ModelDescription small_model();

/// Reads a job of this text, written to FOLDER/job.ini.
jobs::Job job_of(const test_support::TemporaryFolder& folder, const std::string& text,
                 const jobs::Overrides& overrides = {});

/// The plan of a job of this text over 20 images.
jobs::SweepPlan plan_of(const std::string& text, const jobs::Overrides& overrides = {});

/// What refuses a job of this text: the message without the folder's name. "" where nothing is refused.
std::string refusal(const std::string& text, const jobs::Overrides& overrides = {});

/// The same for a refusal by the plan.
std::string plan_refusal(const std::string& text, const jobs::Overrides& overrides = {});

/// Lines that every job needs: dataset, model.
inline const std::string basis = "dataset = photos\nmodel = m.safetensors\n";

}  // namespace test_jobs
