#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "operators/make_operator.h"
#include "operators/measurement_noise.h"
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
operators::Parameters operator_parameters(const operators::OperatorEntry& entry, const Configuration& configuration,
                                          const ImageBatch& batch, std::span<const std::uint64_t> images,
                                          const UnitEnvironment& environment) {
    if (entry.draw != nullptr) {
        return entry.draw(configuration.operator_settings, environment.image_shape, environment.noise, images);
    }
    if (entry.file_parameter.empty()) return {};
    return read_parameters(entry.file_parameter, configuration.operator_settings.word("file"), environment.image_shape,
                           batch.names);
}

void commit_measurement(const WorkUnit& unit, const UnitEnvironment& environment, const operators::OperatorEntry& entry,
                        const std::string& label) {
    const Configuration& configuration = unit.configuration;
    ImageBatch batch = environment.dataset->images(unit.image_index);
    const std::vector<std::uint64_t> images(unit.image_index.begin(), unit.image_index.end());

    const operators::Parameters parameters = operator_parameters(entry, configuration, batch, images, environment);
    const std::shared_ptr<const operators::MeasurementOperator> A =
        entry.make(configuration.operator_settings, environment.image_shape, parameters);
    const operators::Measurement measurement =
        configuration.poisson_rate > 0
            ? operators::measure_poisson(A, batch.images, configuration.poisson_rate, environment.noise, images,
                                         configuration.noise_on_unobserved)
            : operators::measure(A, batch.images, configuration.sigma_y, environment.noise, images,
                                 configuration.noise_on_unobserved);

    commit_measurement_file(environment.folder, label, unit.block,
                            {.operator_name = configuration.operator_name,
                             .operator_settings = settings_json(configuration.operator_settings),
                             .sigma_y = configuration.sigma_y,
                             .poisson_rate = configuration.poisson_rate,
                             .image_index = unit.image_index,
                             .image_name = std::move(batch.names),
                             .truth = batch.images,
                             .image_hash = std::move(batch.content_hashes),
                             .image_error = std::move(batch.errors),
                             .y = measurement.y,
                             .parameters = parameters});
}

}  // namespace

MeasuredBlock measured_block(const WorkUnit& unit, const UnitEnvironment& environment) {
    const Configuration& configuration = unit.configuration;
    const operators::OperatorEntry& entry = operators::find_operator(configuration.operator_name);
    const std::string label = configuration.measurement_label();
    const std::filesystem::path path = environment.folder / measurement_path(label, unit.block);

    // The first unit of the block measures.
    if (!std::filesystem::exists(path)) commit_measurement(unit, environment, entry, label);

    // Everyone reads back, so that all methods start from identical bytes.
    MeasurementFile file = read_measurement_file(environment.folder, label, unit.block);
    if (file.image_index != unit.image_index || file.sigma_y != configuration.sigma_y ||
        file.poisson_rate != configuration.poisson_rate || file.operator_name != configuration.operator_name ||
        file.operator_settings != settings_json(configuration.operator_settings)) {
        throw FileError(path,
                        "holds other images or settings than unit " + std::to_string(unit.number) + " of this run");
    }
    std::shared_ptr<const operators::MeasurementOperator> A =
        entry.make(configuration.operator_settings, environment.image_shape, file.parameters);
    operators::Measurement measurement{file.y, std::move(A), file.sigma_y, file.poisson_rate};
    return {std::move(file), std::move(measurement)};
}

operators::Measurement measurement_on_device(const MeasuredBlock& block, const WorkUnit& unit,
                                             const UnitEnvironment& environment) {
    operators::Measurement measurement = block.measurement;
    if (environment.device.is_cpu()) return measurement;
    operators::Parameters parameters = block.file.parameters;
    for (auto& [name, value] : parameters) value = value.to(environment.device);
    measurement.y = measurement.y.to(environment.device);
    measurement.A = operators::find_operator(unit.configuration.operator_name)
                        .make(unit.configuration.operator_settings, environment.image_shape, parameters);
    return measurement;
}

}  // namespace pipeline
