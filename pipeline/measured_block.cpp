#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "operators/cropped.h"
#include "operators/make_operator.h"
#include "operators/measurement_noise.h"
#include "operators/noise_estimate.h"
#include "operators/poisson.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/parameter_file.h"
#include "pipeline/unit_stages.h"

namespace pipeline {

namespace {

std::string settings_json(const operators::Settings& settings) {
    nlohmann::json json = nlohmann::json::object();
    for (const auto& [name, value] : settings) {
        std::visit([&, key = name](const auto& plain) { json[key] = plain; }, value);
    }
    return json.dump();
}

/// Drawn from the seed, or read from the user's file.
operators::Parameters operator_parameters(const operators::OperatorEntry& entry, const WorkUnit& unit,
                                          std::span<const std::string> names, const UnitEnvironment& environment) {
    const operators::Settings& settings = unit.configuration.operator_settings;
    if (entry.draw != nullptr) {
        const std::vector<std::uint64_t> images(unit.image_index.begin(), unit.image_index.end());
        return entry.draw(settings, unit.image_shape, environment.noise, images);
    }
    if (entry.file_parameter.empty()) return {};
    return read_parameters(entry.file_parameter, settings.word("file"), unit.image_shape, names);
}

std::shared_ptr<const operators::MeasurementOperator> operator_of(const WorkUnit& unit,
                                                                  const operators::Parameters& parameters) {
    std::shared_ptr<const operators::MeasurementOperator> A =
        operators::find_operator(unit.configuration.operator_name)
            .make(unit.configuration.operator_settings, unit.image_shape, parameters);
    if (unit.network_shape == unit.image_shape) return A;
    return std::make_shared<operators::Cropped>(std::move(A), unit.network_shape);
}

/// What both kinds of measurement say of their configuration.
MeasurementFile described(const Configuration& configuration) {
    MeasurementFile file;
    file.operator_name = configuration.operator_name;
    file.operator_settings = settings_json(configuration.operator_settings);
    file.sigma_y = configuration.sigma_y;
    file.poisson_rate = configuration.poisson_rate;
    return file;
}

/// y = A(x) + η of images that are known.
MeasurementFile simulated(const WorkUnit& unit, const UnitEnvironment& environment,
                          const operators::OperatorEntry& entry) {
    const Configuration& configuration = unit.configuration;
    ImageBatch batch = environment.dataset->images(unit.image_index);
    const std::vector<std::uint64_t> images(unit.image_index.begin(), unit.image_index.end());
    MeasurementFile file = described(configuration);
    file.parameters = operator_parameters(entry, unit, batch.names, environment);
    const auto A = operator_of(unit, file.parameters);
    const operators::Measurement measurement =
        configuration.poisson_rate > 0
            ? operators::measure_poisson(A, batch.images, configuration.poisson_rate, environment.noise, images,
                                         configuration.noise_on_unobserved)
            : operators::measure(A, batch.images, configuration.sigma_y, environment.noise, images,
                                 configuration.noise_on_unobserved);
    file.image_index = unit.image_index;
    file.image_name = std::move(batch.names);
    file.truth = batch.images;
    file.image_hash = std::move(batch.content_hashes);
    file.image_error = std::move(batch.errors);
    file.y = measurement.y;
    return file;
}

/// y as the dataset holds it: what A does not observe is 0, whatever was there.
MeasurementFile taken(const WorkUnit& unit, const UnitEnvironment& environment, const operators::OperatorEntry& entry) {
    std::vector<std::string> names;
    for (const std::int64_t index : unit.image_index) names.push_back(environment.dataset->name(index));
    MeasurementFile file = described(unit.configuration);
    file.parameters = operator_parameters(entry, unit, names, environment);
    const auto A = operator_of(unit, file.parameters);
    MeasuredBatch measured = environment.dataset->measured(unit.image_index, A->y_shape());
    const at::Tensor observed = A->observed();
    file.image_index = unit.image_index;
    file.image_name = std::move(names);
    file.image_hash = std::move(measured.batch.content_hashes);
    file.image_error = std::move(measured.batch.errors);
    file.source_channels = std::move(measured.channels);
    file.source_bits = std::move(measured.bits);
    file.y = observed.defined() ? measured.batch.images * (observed != 0) : measured.batch.images;
    if (!unit.configuration.estimates_sigma) return file;
    file.sigma_each = operators::estimated_sigma(file.y, observed);
    for (std::size_t row = 0; row < file.sigma_each.size(); ++row) {
        if (!std::isnan(file.sigma_each[row])) continue;
        // The batch keeps its shape; the row's numbers mean nothing.
        file.sigma_each[row] = operators::smallest_estimated_sigma;
        if (!file.image_error[row].empty()) continue;
        file.image_error[row] = file.image_name[row] + ": sigma-y cannot be estimated: fewer than " +
                                std::to_string(operators::fewest_estimating_blocks) +
                                " blocks of 2x2 observed pixels; give sigma-y as a number";
    }
    return file;
}

bool are_same(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

operators::Measurement measurement_of(const MeasurementFile& file, const WorkUnit& unit, const at::Device& device) {
    operators::Parameters parameters = file.parameters;
    for (auto& [name, value] : parameters) value = value.to(device);
    operators::Measurement measurement{.y = file.y.to(device),
                                       .A = operator_of(unit, parameters),
                                       .sigma_y = file.sigma_y,
                                       .poisson_rate = file.poisson_rate};
    if (!file.sigma_each.empty()) measurement.sigma_each = at::tensor(file.sigma_each, at::kDouble).to(device);
    return measurement;
}

}  // namespace

MeasuredBlock measured_block(const WorkUnit& unit, const UnitEnvironment& environment) {
    const Configuration& configuration = unit.configuration;
    const operators::OperatorEntry& entry = operators::find_operator(configuration.operator_name);
    const std::string label = configuration.measurement_label();
    const std::filesystem::path path = environment.folder / measurement_path(label, unit.block);

    // The first unit of the block measures.
    if (!std::filesystem::exists(path)) {
        commit_measurement_file(
            environment.folder, label, unit.block,
            environment.is_measured ? taken(unit, environment, entry) : simulated(unit, environment, entry));
    }

    // Everyone reads back, so that all methods start from identical bytes.
    return committed_block(unit, environment.folder);
}

MeasuredBlock committed_block(const WorkUnit& unit, const std::filesystem::path& folder) {
    const Configuration& configuration = unit.configuration;
    const std::string label = configuration.measurement_label();
    MeasurementFile file = read_measurement_file(folder, label, unit.block);
    if (file.image_index != unit.image_index || !are_same(file.sigma_y, configuration.sigma_y) ||
        file.poisson_rate != configuration.poisson_rate || file.operator_name != configuration.operator_name ||
        file.operator_settings != settings_json(configuration.operator_settings)) {
        throw FileError(folder / measurement_path(label, unit.block),
                        "holds other images or settings than unit " + std::to_string(unit.number) + " of this run");
    }
    operators::Measurement measurement = measurement_of(file, unit, at::kCPU);
    return {std::move(file), std::move(measurement)};
}

operators::Measurement measurement_on_device(const MeasuredBlock& block, const WorkUnit& unit,
                                             const UnitEnvironment& environment) {
    if (environment.device.is_cpu()) return block.measurement;
    return measurement_of(block.file, unit, environment.device);
}

}  // namespace pipeline
