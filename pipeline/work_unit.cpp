#include "pipeline/work_unit.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "operators/make_operator.h"

namespace pipeline {

namespace {

using Json = nlohmann::json;

/// "box" and the values of its axis settings, joined: what tells two points of one operator apart.
std::string operator_words(const Configuration& configuration, char separator) {
    std::string label = configuration.operator_name;
    if (label == "none") return label;
    for (const operators::Option& option : operators::find_operator(label).options) {
        if (option.is_axis) label += separator + operators::to_string(configuration.operator_settings.at(option.name));
    }
    return label;
}

Json json_of_settings(const operators::Settings& settings) {
    Json json = Json::object();
    for (const auto& [name, value] : settings) {
        std::visit([&json, &key = name](const auto& held) { json[key] = held; }, value);
    }
    return json;
}

operators::Settings settings_from(const Json& json) {
    operators::Settings settings;
    for (const auto& [name, value] : json.items()) {
        if (value.is_boolean()) {
            settings.set(name, value.get<bool>());
        } else if (value.is_number_integer()) {
            settings.set(name, value.get<std::int64_t>());
        } else if (value.is_number()) {
            settings.set(name, value.get<double>());
        } else {
            settings.set(name, value.get<std::string>());
        }
    }
    return settings;
}

}  // namespace

std::string Configuration::measurement_label() const {
    const std::string noise = poisson_rate > 0  ? "poisson-" + operators::to_string(operators::Value(poisson_rate))
                              : estimates_sigma ? std::string("estimate")
                                                : operators::to_string(operators::Value(sigma_y));
    return operator_words(*this, '-') + "-" + noise;
}

std::string Configuration::operator_label() const {
    return operator_words(*this, '_');
}

std::string Configuration::to_json() const {
    Json json;
    json["method"] = method;
    json["method_settings"] = json_of_settings(method_settings);
    json["operator"] = operator_name;
    json["operator_settings"] = json_of_settings(operator_settings);
    json["sigma_y"] = std::isnan(sigma_y) ? Json(nullptr) : Json(sigma_y);
    if (estimates_sigma) json["estimates_sigma"] = true;
    json["poisson_rate"] = poisson_rate;
    json["noise_on_unobserved"] = noise_on_unobserved;
    json["respacing"] = respacing;
    json["variance"] = std::string(to_string(variance));
    json["clip"] = clip;
    json["class"] = class_label;
    return json.dump();
}

Configuration Configuration::from_json(const std::string& text) {
    const Json json = Json::parse(text);
    Configuration configuration;
    configuration.method = json.at("method").get<std::string>();
    configuration.method_settings = settings_from(json.at("method_settings"));
    configuration.operator_name = json.at("operator").get<std::string>();
    configuration.operator_settings = settings_from(json.at("operator_settings"));
    const Json& sigma_y = json.at("sigma_y");
    configuration.sigma_y = sigma_y.is_null() ? std::numeric_limits<double>::quiet_NaN() : sigma_y.get<double>();
    configuration.estimates_sigma = json.value("estimates_sigma", false);
    configuration.poisson_rate = json.at("poisson_rate").get<double>();
    configuration.noise_on_unobserved = json.at("noise_on_unobserved").get<bool>();
    configuration.respacing = json.at("respacing").get<std::string>();
    configuration.variance = parse_variance(json.at("variance").get<std::string>());
    configuration.clip = json.at("clip").get<bool>();
    configuration.class_label = json.at("class").get<std::string>();
    return configuration;
}

}  // namespace pipeline
