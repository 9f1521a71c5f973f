#include "jobs/merge.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "jobs/file_place.h"
#include "jobs/journal.h"
#include "jobs/planned_lpips.h"
#include "jobs/results_columns.h"
#include "jobs/results_digest.h"
#include "jobs/results_measurements.h"
#include "jobs/results_posterior.h"
#include "jobs/results_restored.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sha256.h"
#include "pipeline/data/unit_file.h"

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

std::string lpips_net(const SweepPlan& plan) {
    const auto lpips = planned_lpips(plan);
    return lpips ? lpips->net() : "none";
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
    std::string posterior;

    pipeline::commit_file(result.results, [&](const std::filesystem::path& temporary) {
        Hdf5File file = Hdf5File::create(temporary);
        ResultRestored restored(file, plan, units);
        if (!plan.images().empty()) {
            file.write("image", at::tensor(plan.images(), at::kLong));
            file.make_scale("image", "image");
            file.set_attribute("image", "long_name", std::string("number of the image in its dataset"));
        }

        // The digest of all content: what differs from run to run (seconds) is no part of it.
        pipeline::Sha256 digest;
        digest.update(plan.digest());
        for (const std::int64_t number : units) {
            const pipeline::PackedUnit unit = pipeline::read_packed_unit(campaign.folder(), number);
            if (const auto wrong = misplaced(unit.content, plan)) {
                throw pipeline::FileError(campaign.folder() / pipeline::unit_path(number), *wrong);
            }
            restored.add(unit);
            digest.update(unit.content_digest);
            const auto known = seconds.find(number);
            columns.add(unit.content, plan.configuration_of(number),
                        known == seconds.end() ? std::numeric_limits<double>::quiet_NaN() : known->second);
        }
        columns.write(file);
        restored.finish();
        write_measurements(file, campaign, digest);
        // Follows from the units: no part of the digest.
        posterior = write_posterior(file, campaign, units);
        write_provenance(file, plan, result.units_missing, digest.finish());
        file.set_attribute("", "columns_digest", columns_digest(file));
        file.close();
    });
    pipeline::commit_bytes(result.csv, columns.csv());
    const std::filesystem::path samples = campaign.folder() / "posterior.csv";
    std::error_code ignored;
    if (posterior.empty()) {
        std::filesystem::remove(samples, ignored);
    } else {
        pipeline::commit_bytes(samples, posterior);
    }
    result.rows = columns.rows();
    return result;
}

}  // namespace jobs
