#include "jobs/file_place.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

/// NaN where it is estimated.
bool is_same_noise(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

}  // namespace

std::optional<std::string> misplaced(const pipeline::UnitFile& file, const SweepPlan& plan) {
    if (file.plan_digest != plan.digest()) return "belongs to another plan, " + pipeline::printable(file.plan_digest);
    const pipeline::WorkUnit unit = plan.unit(file.unit);
    if (file.configuration != unit.configuration.to_json()) return "holds another configuration than the plan";
    if (file.rows.image_index != unit.image_index || file.rows.sample != unit.sample) {
        return "holds other images or samples than the plan";
    }
    return std::nullopt;
}

std::optional<std::string> misplaced(const pipeline::MeasurementFile& file, const pipeline::WorkUnit& reader) {
    const pipeline::Configuration& wanted = reader.configuration;
    const std::string settings = nlohmann::json::parse(wanted.to_json()).at("operator_settings").dump();
    if (file.operator_name != wanted.operator_name || file.operator_settings != settings ||
        !is_same_noise(file.sigma_y, wanted.sigma_y) || file.poisson_rate != wanted.poisson_rate) {
        return "holds another operator, setting or noise level than the plan";
    }
    if (file.image_index != reader.image_index) return "holds other images than the plan";
    return std::nullopt;
}

}  // namespace jobs
