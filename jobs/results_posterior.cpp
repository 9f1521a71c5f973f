#include "jobs/results_posterior.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "jobs/planned_lpips.h"
#include "jobs/posterior.h"
#include "jobs/results_columns.h"
#include "jobs/results_copied_images.h"
#include "jobs/results_restored.h"
#include "pipeline/data/content_file.h"
#include "pipeline/data/unit_file.h"
#include "pipeline/metrics/lpips.h"
#include "pipeline/unit_stages.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

constexpr const char* group_name = "posterior";
const std::string folder = std::string(group_name) + "/";

/// The committed samples of one block at one point of the sweep.
struct SampledBlock {
    const PlannedConfiguration* planned = nullptr;
    std::vector<std::int64_t> units;  ///< One a sample, ascending.
};

std::vector<SampledBlock> sampled_blocks(const SweepPlan& plan, std::span<const std::int64_t> committed) {
    std::vector<SampledBlock> blocks;
    for (const PlannedConfiguration& planned : plan.configurations()) {
        if (planned.is_generation || planned.samples < 2) continue;
        for (std::int64_t block = 0; block < plan.block_count(); ++block) {
            SampledBlock sampled{&planned, {}};
            for (std::int64_t sample = 0; sample < planned.samples; ++sample) {
                const std::int64_t unit = planned.first_unit + sample * plan.block_count() + block;
                if (std::ranges::binary_search(committed, unit)) sampled.units.push_back(unit);
            }
            if (sampled.units.size() >= 2) blocks.push_back(std::move(sampled));
        }
    }
    return blocks;
}

/// LibTorch's threads as the plan has them while it lives: sums may depend on their number.
class ThreadsOfPlan {
  public:
    explicit ThreadsOfPlan(const SweepPlan& plan) : before_(at::get_num_threads()) {
        at::set_num_threads(plan.threads());
    }
    ~ThreadsOfPlan() { at::set_num_threads(before_); }
    ThreadsOfPlan(const ThreadsOfPlan&) = delete;
    ThreadsOfPlan& operator=(const ThreadsOfPlan&) = delete;

  private:
    int before_;
};

class PosteriorWriter {
  public:
    PosteriorWriter(Hdf5File& results, const Campaign& campaign, const std::vector<SampledBlock>& blocks)
        : results_(results),
          campaign_(campaign),
          plan_(campaign.plan()),
          columns_(plan_),
          lpips_(plan_.is_measured() ? std::nullopt : planned_lpips(plan_)) {
        std::int64_t entries = 0;
        std::map<std::string, std::int64_t> of_size;
        for (const SampledBlock& block : blocks) {
            const pipeline::WorkUnit unit = plan_.unit(block.units.front());
            const auto count = static_cast<std::int64_t>(unit.image_index.size());
            entries += count;
            of_size[size_suffix(plan_, unit.image_shape)] += count;
            shapes_.emplace(size_suffix(plan_, unit.image_shape), unit.image_shape);
            most_samples_ = std::max(most_samples_, block.planned->samples);
        }
        results_.make_group(group_name);
        results_.write(folder + "posterior", at::arange(entries, at::kLong));
        results_.make_scale(folder + "posterior", "posterior");
        results_.set_attribute(folder + "posterior", "long_name", std::string("image with several samples"));
        for (const auto& [suffix, shape] : shapes_) make_images(suffix, shape, of_size.at(suffix));
        samples_ = columns_.add_column({"samples", "posterior samples that count", "1", std::vector<std::int64_t>{}});
        spread_ = columns_.add_column(
            {"spread", "root mean square of the samples' standard deviation on the [-1, 1] scale", "1", {}});
        for (const int percent : {50, 90, 95}) {
            coverage_[percent] = columns_.add_column(
                {"coverage_" + std::to_string(percent),
                 "share of the truth inside the samples' " + std::to_string(percent) + " % interval",
                 "1",
                 {}});
        }
    }

    void add(const SampledBlock& block) {
        const pipeline::WorkUnit unit = plan_.unit(block.units.front());
        const pipeline::MeasuredBlock measured = pipeline::committed_block(unit, campaign_.folder());
        PosteriorSamples posterior(measured.file.truth, most_samples_);
        pipeline::UnitFile mean;
        for (const std::int64_t number : block.units) {
            pipeline::UnitFile file = pipeline::read_unit_file(campaign_.folder(), number);
            std::vector<bool> counts;
            for (const pipeline::RowStatus status : file.rows.status) {
                counts.push_back(status == pipeline::RowStatus::done);
            }
            posterior.add(file.rows.restored, counts);
            if (number == block.units.front()) mean = std::move(file);
        }
        score_mean(mean, posterior, unit, measured);
        const std::int64_t first = columns_.rows();
        columns_.add(mean, *block.planned, std::numeric_limits<double>::quiet_NaN());
        write_images(posterior, unit);
        write_columns(posterior, first);
    }

    std::string finish() {
        columns_.write(results_, folder, folder + "posterior");
        write_ranks();
        finish_places();
        return columns_.csv();
    }

  private:
    void make_images(const std::string& suffix, const operators::Shape& shape, std::int64_t entries) {
        const std::vector<std::int64_t> size = {entries, shape.height, shape.width, shape.channels};
        const std::string dimension = "posterior" + suffix;
        if (!suffix.empty()) {
            results_.write(folder + dimension, at::arange(entries, at::kLong));
            results_.make_scale(folder + dimension, dimension);
        }
        for (const auto& [name, words] : {std::pair("mean", "mean of the samples"),
                                          std::pair("std", "standard deviation of the samples, over n - 1")}) {
            const std::string dataset = folder + name + suffix;
            results_.make_dataset(dataset, at::kFloat, size, one_image_a_chunk(size, 1));
            results_.attach_scale(dataset, 0, folder + dimension);
            results_.attach_scale(dataset, 1, "y" + suffix);
            results_.attach_scale(dataset, 2, "x" + suffix);
            results_.attach_scale(dataset, 3, "channel" + suffix);
            results_.set_attribute(dataset, "long_name", std::string(words));
            results_.set_attribute(dataset, "units", std::string("1"));
        }
    }

    /// The mean as if a method had restored it.
    void score_mean(pipeline::UnitFile& mean, const PosteriorSamples& posterior, const pipeline::WorkUnit& unit,
                    const pipeline::MeasuredBlock& measured) const {
        pipeline::UnitRows& rows = mean.rows;
        const at::Tensor images = posterior.mean();
        rows.restored = images.nan_to_num(0);
        pipeline::score(rows, measured, unit, lpips_ ? &*lpips_ : nullptr);
        rows.restored = images;
        rows.nfe *= static_cast<std::int64_t>(std::ranges::max(posterior.samples()));
        for (std::size_t row = 0; row < rows.status.size(); ++row) {
            rows.sample[row] = -1;
            if (posterior.samples()[row] >= 2) {
                rows.status[row] = pipeline::RowStatus::done;
                continue;
            }
            if (rows.status[row] == pipeline::RowStatus::done) rows.status[row] = pipeline::RowStatus::diverged;
            rows.psnr_measurement[row] = rows.psnr[row] = rows.ssim[row] = rows.lpips[row] = rows.psnr_unobserved[row] =
                rows.residual[row] = std::numeric_limits<double>::quiet_NaN();
        }
    }

    void write_images(const PosteriorSamples& posterior, const pipeline::WorkUnit& unit) {
        const std::string suffix = size_suffix(plan_, unit.image_shape);
        std::int64_t& place = places_[suffix];
        results_.write_rows(folder + "mean" + suffix, place, pipeline::to_channel_last(posterior.mean()));
        results_.write_rows(folder + "std" + suffix, place, pipeline::to_channel_last(posterior.standard_deviation()));
        for (std::size_t image = 0; image < unit.image_index.size(); ++image) {
            size_words_.push_back(suffix.empty() ? suffix : suffix.substr(1));
            size_places_.push_back(place++);
        }
    }

    void write_columns(const PosteriorSamples& posterior, std::int64_t first) {
        const std::vector<double> spread = posterior.spread();
        for (std::size_t image = 0; image < spread.size(); ++image) {
            const std::size_t row = static_cast<std::size_t>(first) + image;
            columns_.set(samples_, row, posterior.samples()[image]);
            columns_.set(spread_, row, spread[image]);
        }
        for (const auto& [percent, column] : coverage_) {
            const std::vector<double> coverage = posterior.coverage(percent / 100.0);
            for (std::size_t image = 0; image < coverage.size(); ++image) {
                columns_.set(column, static_cast<std::size_t>(first) + image, coverage[image]);
            }
        }
        ranks_.push_back(posterior.ranks());
    }

    void write_ranks() {
        const std::string name = folder + "rank_histogram";
        results_.write(folder + "rank", at::arange(most_samples_ + 1, at::kLong));
        results_.make_scale(folder + "rank", "rank");
        results_.set_attribute(folder + "rank", "long_name", std::string("samples below the truth"));
        results_.write(name, at::cat(ranks_).contiguous());
        results_.set_attribute(name, "long_name",
                               std::string("share of the image's entries at which the truth has this rank"));
        results_.set_attribute(name, "units", std::string("1"));
        results_.attach_scale(name, 0, folder + "posterior");
        results_.attach_scale(name, 1, folder + "rank");
    }

    void finish_places() {
        if (shapes_.size() < 2 && shapes_.contains("")) return;
        results_.write_strings(folder + "restored_size", size_words_);
        results_.write(folder + "restored_place", at::tensor(size_places_, at::kLong));
        for (const char* name : {"restored_size", "restored_place"}) {
            results_.attach_scale(folder + name, 0, folder + "posterior");
        }
        results_.set_attribute(folder + "restored_size", "long_name",
                               std::string("HEIGHTxWIDTH: the images stand in mean_HEIGHTxWIDTH, std_HEIGHTxWIDTH"));
        results_.set_attribute(folder + "restored_place", "long_name",
                               std::string("their place along the first axis there"));
    }

    Hdf5File& results_;
    const Campaign& campaign_;
    const SweepPlan& plan_;
    ResultColumns columns_;
    std::optional<pipeline::Lpips> lpips_;
    std::int64_t most_samples_ = 0;
    std::map<std::string, operators::Shape> shapes_;  ///< By suffix.
    std::map<std::string, std::int64_t> places_;
    std::vector<std::string> size_words_;
    std::vector<std::int64_t> size_places_;
    std::size_t samples_ = 0, spread_ = 0;
    std::map<int, std::size_t> coverage_;  ///< Column by percent.
    std::vector<at::Tensor> ranks_;
};

}  // namespace

std::string write_posterior(Hdf5File& results, const Campaign& campaign, std::span<const std::int64_t> units) {
    const std::vector<SampledBlock> blocks = sampled_blocks(campaign.plan(), units);
    if (blocks.empty()) return {};
    const ThreadsOfPlan threads(campaign.plan());
    PosteriorWriter writer(results, campaign, blocks);
    for (const SampledBlock& block : blocks) writer.add(block);
    return writer.finish();
}

}  // namespace jobs
