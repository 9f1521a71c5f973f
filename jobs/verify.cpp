#include "jobs/verify.h"

#include <algorithm>
#include <map>
#include <optional>

#include "jobs/file_place.h"
#include "jobs/job_error.h"
#include "jobs/results_check.h"
#include "jobs/results_measurements.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/measurement_file.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

/// What a reader of whole files says, without the name in front.
std::string reason_of(const pipeline::FileError& error, const std::filesystem::path& path) {
    std::string reason = error.what();
    const std::string prefix = pipeline::printable(path.string()) + ": ";
    if (reason.starts_with(prefix)) reason.erase(0, prefix.size());
    return reason;
}

class Verification {
  public:
    explicit Verification(const Campaign& campaign)
        : campaign_(campaign),
          plan_(campaign.plan()),
          committed_(campaign.committed()),
          results_(campaign, committed_) {
        for (const PlannedConfiguration& planned : plan_.configurations()) {
            if (!planned.is_generation) readers_[planned.configuration.measurement_label()].push_back(&planned);
        }
    }

    VerifyResult run() {
        for (const std::int64_t unit : committed_) check_unit(unit);
        for (const MeasurementGroup& group : measurement_groups(plan_)) {
            for (const double sigma_y : group.sigma_y) check_level(group.labels.at(sigma_y));
        }
        if (const auto reason = results_.finish()) result_.damages.push_back({"results.h5", *reason, {}});
        result_.results = results_.state();
        find_foreign();
        return std::move(result_);
    }

  private:
    /// A file of another version of the program is not damaged, and nothing of its run must be set aside.
    [[noreturn]] static void refuse(const pipeline::OtherSchemaError& error) {
        throw JobError(std::string(error.what()) + ": verify the run with the version that made it");
    }

    void check_unit(std::int64_t unit) {
        const std::filesystem::path name = pipeline::unit_path(unit);
        ++result_.units;
        const auto reason = [&]() -> std::optional<std::string> {
            try {
                const pipeline::UnitFile file = pipeline::read_unit_file(campaign_.folder(), unit);
                std::optional<std::string> wrong = misplaced(file, plan_);
                if (!wrong) results_.add_unit(file);
                return wrong;
            } catch (const pipeline::OtherSchemaError& error) {
                refuse(error);
            } catch (const pipeline::FileError& error) {
                return reason_of(error, campaign_.folder() / name);
            }
        }();
        if (!reason) return;
        results_.pass_over(unit);
        damaged_.push_back(unit);
        result_.damages.push_back({name, *reason, {unit}});
    }

    void check_level(const std::string& label) {
        const PlannedConfiguration& first = *readers_.at(label).front();
        for (std::int64_t block = 0; block < first.units / first.samples; ++block) check_measurement(label, block);
    }

    void check_measurement(const std::string& label, std::int64_t block) {
        const std::filesystem::path name = pipeline::measurement_path(label, block);
        std::error_code error;
        if (!std::filesystem::exists(campaign_.folder() / name, error)) {
            const std::vector<std::int64_t> again = unit_to_repeat(label, block);
            if (again.empty()) return;
            results_.pass_over_measurement();
            result_.damages.push_back(
                {name, "is missing, and unit " + std::to_string(again.front()) + " that reads it is committed", again});
            return;
        }
        ++result_.measurements;
        const auto reason = [&]() -> std::optional<std::string> {
            try {
                const pipeline::MeasurementFile file =
                    pipeline::read_measurement_file(campaign_.folder(), label, block);
                std::optional<std::string> wrong =
                    misplaced(file, plan_.unit(readers_.at(label).front()->first_unit + block));
                if (!wrong) results_.add_measurement(name, is_used(label, block));
                return wrong;
            } catch (const pipeline::OtherSchemaError& failure) {
                refuse(failure);
            } catch (const pipeline::FileError& failure) {
                return reason_of(failure, campaign_.folder() / name);
            }
        }();
        if (!reason) return;
        results_.pass_over_measurement();
        result_.damages.push_back({name, *reason, unit_to_repeat(label, block)});
    }

    /// True where a committed unit reads this measurement.
    bool is_used(const std::string& label, std::int64_t block) const {
        for (const PlannedConfiguration* planned : readers_.at(label)) {
            const std::int64_t blocks = planned->units / planned->samples;
            for (std::int64_t sample = 0; sample < planned->samples; ++sample) {
                if (std::ranges::binary_search(committed_, planned->first_unit + sample * blocks + block)) return true;
            }
        }
        return false;
    }

    /// The lowest-numbered committed unit that reads this measurement, or one that is computed again anyway.
    std::vector<std::int64_t> unit_to_repeat(const std::string& label, std::int64_t block) const {
        std::vector<std::int64_t> lowest;
        for (const PlannedConfiguration* planned : readers_.at(label)) {
            const std::int64_t blocks = planned->units / planned->samples;
            for (std::int64_t sample = 0; sample < planned->samples; ++sample) {
                const std::int64_t unit = planned->first_unit + sample * blocks + block;
                if (std::ranges::binary_search(damaged_, unit)) return {unit};
                if (lowest.empty() && std::ranges::binary_search(committed_, unit)) lowest = {unit};
            }
        }
        return lowest;
    }

    bool belongs(const std::filesystem::path& name) const {
        const std::string stem = name.stem().string();
        const std::string digits = stem.substr(stem.find_last_of('-') + 1);
        if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos) {
            return false;
        }
        const std::int64_t number = std::stoll(digits);
        if (*name.begin() == "units") return number < plan_.unit_count() && name == pipeline::unit_path(number);
        const std::string label = name.parent_path().filename().string();
        const auto readers = readers_.find(label);
        if (readers == readers_.end()) return false;
        const PlannedConfiguration& first = *readers->second.front();
        return number < first.units / first.samples && name == pipeline::measurement_path(label, number);
    }

    void find_foreign() {
        for (const char* own : {"units", "measurements"}) {
            const std::filesystem::path folder = campaign_.folder() / own;
            std::error_code error;
            if (!std::filesystem::exists(folder, error)) continue;
            std::filesystem::recursive_directory_iterator entry(folder, error);
            for (; !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
                const bool is_folder = entry->is_directory() && entry->path().extension() != ".h5";
                const bool is_temporary = entry->is_regular_file() && entry->path().extension() == ".tmp";
                if (is_folder || is_temporary) continue;
                const std::filesystem::path name = entry->path().lexically_relative(campaign_.folder());
                if (!entry->is_regular_file() || !belongs(name)) result_.foreign.push_back(name);
            }
            if (error) {
                throw EnvironmentError(pipeline::printable(folder.string()) + ": cannot be listed: " + error.message());
            }
        }
        std::ranges::sort(result_.foreign);
    }

    const Campaign& campaign_;
    const SweepPlan& plan_;
    std::vector<std::int64_t> committed_;
    std::vector<std::int64_t> damaged_;  ///< Units, ascending.
    std::map<std::string, std::vector<const PlannedConfiguration*>> readers_;
    ResultsCheck results_;
    VerifyResult result_;
};

}  // namespace

VerifyResult verify(const Campaign& campaign) {
    try {
        return Verification(campaign).run();
    } catch (const std::filesystem::filesystem_error& error) {
        throw EnvironmentError(pipeline::printable(campaign.folder().string()) +
                               ": cannot be listed: " + error.code().message());
    }
}

std::int64_t set_aside(const Campaign& campaign, const VerifyResult& result) {
    std::int64_t removed = 0;
    const auto remove = [&](const std::filesystem::path& name) {
        std::error_code error;
        if (std::filesystem::remove(campaign.folder() / name, error)) ++removed;
        if (error) {
            throw EnvironmentError(pipeline::printable((campaign.folder() / name).string()) +
                                   ": cannot be removed: " + error.message());
        }
    };
    for (const Damage& damage : result.damages) {
        remove(damage.file);
        for (const std::int64_t unit : damage.units) remove(pipeline::unit_path(unit));
    }
    return removed;
}

}  // namespace jobs
