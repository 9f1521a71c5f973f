#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/job.h"
#include "pipeline/data/dataset.h"
#include "pipeline/networks/model.h"
#include "pipeline/work_unit.h"

namespace jobs {

/// A configuration and the rows it has: units are its blocks, for each sample.
struct PlannedConfiguration {
    pipeline::Configuration configuration;
    std::int64_t samples = 1;  ///< Posterior samples a measurement; images made, where the method generates.
    bool is_generation = false;
    int nfe = 0;                        ///< Network calls per image.
    double cost_per_image = 0;          ///< Predicted, in forward passes.
    std::string parameter_digest = {};  ///< SHA-256 of the mask or kernel that the operator reads; empty for none.
    std::int64_t first_unit = 0;
    std::int64_t units = 0;
};

/// Images of one size, which share blocks. A run on a dataset, whose images are all brought to one size, has one.
struct ImageGroup {
    std::int64_t height = 0, width = 0;  ///< Of the measured images, where they are measured; of all images otherwise.
    std::vector<std::int64_t> images;    ///< Numbers in the dataset, ascending.
};

/// A block of images: which, and where they stand among all images of the plan.
struct ImageBlock {
    std::size_t group = 0;
    std::int64_t first = 0;           ///< Place in `SweepPlan::images()`.
    std::int64_t first_in_group = 0;  ///< The same, counted from the group's first.
    std::int64_t count = 0;
};

/// The job as numbered units: the same on every rank, frozen in plan.json, guarded by a digest. Configurations are
/// held, units are computed, so that 10⁷ images cost nothing.
class SweepPlan {
  public:
    /// Expands methods × operators × sigma-y × samples × images. `dataset` is null where every method generates.
    /// @param job  with a number for `batch`
    /// @throws JobError  where values do not fit the checkpoint, the images or each other
    static SweepPlan make(const Job& job, const pipeline::ModelDescription& model, const pipeline::Dataset* dataset,
                          const std::string& model_sha256);

    /// @throws JobError  where the text is no plan of this program, or not what its digest says
    static SweepPlan from_json(const std::string& text);
    /// The whole frozen plan: what plan.json holds. Contains `digest()`.
    std::string to_json() const;
    /// SHA-256 over everything that determines results: settings, seed, batch, threads, digests of model, dataset,
    /// LPIPS weights and of masks and kernels read from files. Not over the device and where things lie.
    const std::string& digest() const { return digest_; }

    std::int64_t unit_count() const;
    pipeline::WorkUnit unit(std::int64_t number) const;
    /// How many images, or rows, a unit has.
    std::int64_t unit_size(std::int64_t number) const;
    /// Predicted cost of a unit, in forward passes of one image.
    double cost(std::int64_t number) const;
    const PlannedConfiguration& configuration_of(std::int64_t unit) const;
    /// Of `configuration_of(unit)` in `configurations()`.
    int configuration_index(std::int64_t unit) const;
    const std::vector<PlannedConfiguration>& configurations() const { return configurations_; }

    std::uint64_t seed() const { return seed_; }
    int batch() const { return batch_; }
    int threads() const { return threads_; }
    /// Of all images; where they are measured, the largest that the network is given.
    const operators::Shape& image_shape() const { return image_shape_; }
    int size_multiple() const { return size_multiple_; }     ///< What measured images' sides are filled up to.
    const std::string& dataset() const { return dataset_; }  ///< Location; empty where none.
    /// Numbers of the images of the job in the dataset, group by group.
    const std::vector<std::int64_t>& images() const { return images_; }
    /// In the order of their first images.
    const std::vector<ImageGroup>& groups() const { return groups_; }
    std::int64_t block_count() const { return blocks_; }
    ImageBlock block(std::int64_t number) const;
    /// True where the dataset holds measurements: nothing is known of the truth.
    bool is_measured() const { return is_measured_; }
    /// Of what a configuration restores of a group's images, and of what the network is given for it.
    operators::Shape restored_shape(const pipeline::Configuration& configuration, const ImageGroup& group) const;
    operators::Shape network_shape(const operators::Shape& restored) const;
    /// The different shapes of what is restored, in the order of configurations and groups.
    const std::vector<operators::Shape>& restored_shapes() const { return restored_shapes_; }
    const std::filesystem::path& model() const { return model_; }
    const std::string& model_preset() const { return model_preset_; }  ///< Empty where none was asked for.
    const std::string& model_sha256() const { return model_sha256_; }
    const std::string& model_settings() const { return model_settings_; }  ///< The network's, as JSON.
    const std::string& dataset_digest() const { return dataset_digest_; }
    const std::string& lpips() const { return lpips_; }                ///< "embedded", "none" or a path
    const std::string& lpips_sha256() const { return lpips_sha256_; }  ///< Of the file; the word where it is none.
    /// "auto", "cpu" or "cuda". No part of the digest.
    const std::string& device() const { return device_; }
    void set_device(const std::string& device) { device_ = device; }
    pipeline::Precision precision() const { return precision_; }
    pipeline::Store store() const { return store_; }
    const std::string& job_text() const { return job_text_; }
    std::int64_t rows() const;
    /// What a user is told about two plans that differ: "seed: 1 in the folder, 2 in the job".
    static std::string difference(const SweepPlan& folder, const SweepPlan& job);

  private:
    SweepPlan() = default;
    void number_units();
    void find_restored_shapes();
    void set_groups(std::vector<ImageGroup> groups);
    double relative_size(const PlannedConfiguration& planned, std::int64_t block) const;

    std::vector<PlannedConfiguration> configurations_;
    std::vector<std::int64_t> images_;
    std::vector<ImageGroup> groups_;
    std::vector<std::int64_t> first_blocks_, first_images_;  ///< Of each group.
    std::int64_t blocks_ = 0;
    std::vector<operators::Shape> restored_shapes_;
    bool is_measured_ = false;
    int size_multiple_ = 1;
    operators::Shape image_shape_;
    std::uint64_t seed_ = 0;
    int batch_ = 8;
    int threads_ = 1;
    std::string dataset_, dataset_digest_, model_preset_, model_sha256_, model_settings_, lpips_, lpips_sha256_,
        device_, job_text_, digest_;
    std::filesystem::path model_;
    pipeline::Store store_ = pipeline::Store::float32;
    pipeline::Precision precision_ = pipeline::Precision::float32;
};

}  // namespace jobs
