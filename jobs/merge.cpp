#include "jobs/merge.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <algorithm>

#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "jobs/journal.h"
#include "jobs/results_chunks.h"
#include "jobs/results_columns.h"
#include "jobs/results_measurements.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/content_file.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sha256.h"
#include "pipeline/data/unit_file.h"
#include "pipeline/metrics/lpips.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

constexpr std::int64_t results_schema = 1;

/// Wall seconds of each unit, from its last commit in the journal.
std::map<std::int64_t, double> unit_seconds(const std::filesystem::path& folder) {
    std::map<std::int64_t, double> seconds;
    for_each_journal_entry(folder, [&](const JournalEntry& entry) {
        if (entry.event == "committed") seconds[entry.unit] = entry.seconds;
    });
    return seconds;
}

std::int64_t rows_of(const SweepPlan& plan, const std::vector<std::int64_t>& units) {
    std::int64_t rows = 0;
    for (const std::int64_t unit : units) rows += static_cast<std::int64_t>(plan.unit(unit).image_index.size());
    return rows;
}

void write_scale(Hdf5File& file, const std::string& name, const at::Tensor& values, const std::string& long_name) {
    file.write(name, values);
    file.make_scale(name, name);
    file.set_attribute(name, "long_name", long_name);
}

void write_scales(Hdf5File& file, const SweepPlan& plan, std::int64_t rows) {
    const operators::Shape& shape = plan.image_shape();
    write_scale(file, "row", at::arange(rows, at::kLong), "restored image");
    write_scale(file, "y", at::arange(shape.height, at::kLong), "row of pixels");
    write_scale(file, "x", at::arange(shape.width, at::kLong), "column of pixels");
    write_scale(file, "channel", at::arange(shape.channels, at::kLong), "colour channel");
    if (!plan.images().empty())
        write_scale(file, "image", at::tensor(plan.images(), at::kLong), "number of the image in its dataset");
}

void make_restored(Hdf5File& file, const SweepPlan& plan, std::int64_t rows) {
    const operators::Shape& shape = plan.image_shape();
    const bool is_float = plan.store() == pipeline::Store::float32;
    // The layout of unit files: their compressed chunks are copied as they are.
    const std::vector<std::int64_t> size = {rows, shape.height, shape.width, shape.channels};
    file.make_dataset("restored", is_float ? at::kFloat : at::kByte, size,
                      rows == 0 ? pipeline::Hdf5Layout{} : one_image_a_chunk(size, 1, is_float));
    int axis = 0;
    for (const char* scale : {"row", "y", "x", "channel"}) file.attach_scale("restored", axis++, scale);
    file.set_attribute("restored", "long_name", std::string("restored image"));
    file.set_attribute("restored", "units", std::string("1"));
    if (is_float) {
        file.set_attribute("restored", "valid_range", std::vector<double>{-1, 1});
    } else {
        // v / 127.5 − 1 is the value on [−1, 1]; readers of CF apply it by themselves.
        file.set_attribute("restored", "scale_factor", 1 / 127.5);
        file.set_attribute("restored", "add_offset", -1.0);
        file.set_attribute("restored", "valid_range", std::vector<std::int64_t>{0, 255});
    }
}

/// Copies a unit's images without unpacking them, and returns the unit's content digest.
std::string copy_images(Hdf5File& results, const std::filesystem::path& path, std::int64_t first_row,
                        const pipeline::UnitFile& content) {
    const Hdf5File unit = Hdf5File::open(path);
    const bool is_float = content.store == pipeline::Store::float32;
    copy_chunks({.file = unit, .name = "restored", .images = content.rows.restored.size(0), .is_shuffled = is_float},
                {.file = results, .name = "restored", .leading = {first_row}, .is_shuffled = is_float});
    // Copied unread: one image is looked at, so that a layout that has changed cannot go unnoticed.
    at::Tensor copied = results.read_rows("restored", first_row, 1).to(at::kFloat);
    if (!is_float) copied = copied.div(127.5).sub(1);
    const at::Tensor expected = pipeline::to_channel_last(content.rows.restored.narrow(0, 0, 1));
    if (!at::equal(copied.nan_to_num(), expected.nan_to_num())) {
        throw std::logic_error("results: restored was not copied as it is stored");
    }
    return std::get<std::string>(unit.attribute("", "content_digest").value());
}

std::string lpips_net(const SweepPlan& plan) {
    if (plan.lpips() == "none") return "none";
    return plan.lpips() == "embedded" ? pipeline::Lpips::embedded().net()
                                      : pipeline::Lpips::from_file(plan.lpips()).net();
}

/// Of a run with photon noise; 0 otherwise.
double poisson_rate_of(const SweepPlan& plan) {
    double rate = 0;
    for (const PlannedConfiguration& planned : plan.configurations()) {
        rate = std::max(rate, planned.configuration.poisson_rate);
    }
    return rate;
}

void write_provenance(Hdf5File& file, const SweepPlan& plan, std::int64_t units_missing,
                      const std::string& content_digest) {
    const std::pair<const char*, pipeline::Hdf5Attribute> attributes[] = {
        {"Conventions", std::string("CF-1.8")},
        {"title", std::string("diffinv results")},
        {"schema", results_schema},
        {"job", plan.job_text()},
        {"plan_digest", plan.digest()},
        {"model", plan.model().filename().string()},
        {"model_sha256", plan.model_sha256()},
        {"dataset_digest", plan.dataset_digest()},
        {"lpips_net", lpips_net(plan)},
        {"lpips_sha256", plan.lpips_sha256()},
        {"poisson_rate", poisson_rate_of(plan)},
        {"seed", std::to_string(plan.seed())},
        {"batch", static_cast<std::int64_t>(plan.batch())},
        {"threads", static_cast<std::int64_t>(plan.threads())},
        {"precision", std::string(pipeline::to_string(plan.precision()))},
        {"units_missing", units_missing},
        {"program_version", std::string(DIFFINV_VERSION)},
        {"content_digest", content_digest},
    };
    for (const auto& [name, value] : attributes) file.set_attribute("", name, value);
}

}  // namespace

MergeResult merge(const Campaign& campaign) {
    const SweepPlan& plan = campaign.plan();
    const std::vector<std::int64_t> units = campaign.committed();
    const std::map<std::int64_t, double> seconds = unit_seconds(campaign.folder());
    MergeResult result;
    result.results = campaign.folder() / "results.h5";
    result.csv = campaign.folder() / "results.csv";
    result.units_missing = plan.unit_count() - static_cast<std::int64_t>(units.size());
    ResultColumns columns(plan);

    pipeline::commit_file(result.results, [&](const std::filesystem::path& temporary) {
        Hdf5File file = Hdf5File::create(temporary);
        const std::int64_t rows = rows_of(plan, units);
        write_scales(file, plan, rows);
        make_restored(file, plan, rows);

        // The digest of all content: what differs from run to run (seconds) is no part of it.
        pipeline::Sha256 digest;
        digest.update(plan.digest());
        for (const std::int64_t number : units) {
            const pipeline::UnitFile unit = pipeline::read_unit_file(campaign.folder(), number);
            if (unit.plan_digest != plan.digest()) {
                throw pipeline::FileError(campaign.folder() / pipeline::unit_path(number), "belongs to another plan");
            }
            digest.update(copy_images(file, campaign.folder() / pipeline::unit_path(number), columns.rows(), unit));
            const auto known = seconds.find(number);
            columns.add(unit, plan.configuration_of(number),
                        known == seconds.end() ? std::numeric_limits<double>::quiet_NaN() : known->second);
        }
        columns.write(file);
        for (const std::string& one : write_measurements(file, campaign)) digest.update(one);
        write_provenance(file, plan, result.units_missing, digest.finish());
        file.close();
    });
    pipeline::commit_bytes(result.csv, columns.csv());
    result.rows = columns.rows();
    return result;
}

}  // namespace jobs
