#include "workers/costs_file.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "jobs/job_error.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/sha256.h"
#include "pipeline/samplers/make_sampler.h"

namespace workers {

namespace {

using Json = nlohmann::ordered_json;

constexpr int costs_format = 1;

Json to_json(const MeasuredCost& cost) {
    return {{"network", cost.network},
            {"device", cost.device},
            {"precision", cost.precision},
            {"height", cost.height},
            {"width", cost.width},
            {"batch", cost.batch},
            {"threads", cost.threads},
            {"forward_seconds", cost.forward_seconds},
            {"gradient_seconds", cost.gradient_seconds},
            {"time", cost.time}};
}

MeasuredCost cost_from(const Json& json) {
    return {json.at("network"), json.at("device"),          json.at("precision"),
            json.at("height"),  json.at("width"),           json.at("batch"),
            json.at("threads"), json.at("forward_seconds"), json.at("gradient_seconds"),
            json.at("time")};
}

bool is_same_point(const MeasuredCost& a, const MeasuredCost& b) {
    return a.network == b.network && a.device == b.device && a.precision == b.precision && a.height == b.height &&
           a.width == b.width && a.batch == b.batch && a.threads == b.threads;
}

}  // namespace

std::optional<std::filesystem::path> costs_path() {
    const auto set = [](const char* name) -> std::optional<std::filesystem::path> {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') return std::nullopt;
        return std::filesystem::path(value);
    };
    if (const auto own = set("DIFFINV_CACHE")) return *own / "costs.json";
    if (const auto cache = set("XDG_CACHE_HOME")) return *cache / "diffinv" / "costs.json";
    if (const auto home = set("HOME")) return *home / ".cache" / "diffinv" / "costs.json";
    return std::nullopt;
}

std::vector<MeasuredCost> read_costs(const std::function<void(const std::string&)>& complain) {
    std::vector<MeasuredCost> costs;
    const auto path = costs_path();
    if (!path) return costs;
    std::ifstream file(*path);
    if (!file) return costs;
    try {
        const Json json = Json::parse(file);
        if (json.at("format") != costs_format) throw std::runtime_error("another format");
        for (const Json& one : json.at("costs")) costs.push_back(cost_from(one));
    } catch (const std::exception&) {
        costs.clear();
        if (complain) complain(pipeline::printable(path->string()) + ": is no list of measured costs; passed over");
    }
    return costs;
}

std::filesystem::path store_cost(const MeasuredCost& cost) {
    const auto path = costs_path();
    if (!path)
        throw jobs::EnvironmentError("calibrate: there is no HOME to keep costs in; set DIFFINV_CACHE to a folder");
    std::vector<MeasuredCost> costs = read_costs(nullptr);
    std::erase_if(costs, [&](const MeasuredCost& other) { return is_same_point(cost, other); });
    costs.push_back(cost);
    Json json = {{"format", costs_format}, {"costs", Json::array()}};
    for (const MeasuredCost& one : costs) json["costs"].push_back(to_json(one));
    try {
        std::filesystem::create_directories(path->parent_path());
        pipeline::commit_bytes(*path, json.dump(1) + "\n");
    } catch (const std::exception& error) {
        throw jobs::EnvironmentError(pipeline::printable(path->string()) + ": cannot be written: " + error.what());
    }
    return *path;
}

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("model name")) continue;
        const std::size_t colon = line.find(": ");
        if (colon != std::string::npos) return line.substr(colon + 2);
    }
    return "processor";
}

std::string network_digest(const std::string& model_settings) {
    return pipeline::sha256(model_settings);
}

double measured_rate(const std::vector<MeasuredCost>& costs, const jobs::SweepPlan& plan,
                     const jobs::PlannedConfiguration& planned, const std::string& device) {
    const std::string network = network_digest(plan.model_settings());
    const operators::Shape& shape = plan.image_shape();
    const MeasuredCost* nearest = nullptr;
    for (const MeasuredCost& cost : costs) {
        if (cost.network != network || cost.device != device || cost.threads != plan.threads() ||
            cost.precision != pipeline::to_string(plan.precision()) || cost.height != shape.height ||
            cost.width != shape.width) {
            continue;
        }
        const auto distance = [&](const MeasuredCost& one) {
            return std::abs(std::log(static_cast<double>(one.batch) / plan.batch()));
        };
        if (nearest == nullptr || distance(cost) < distance(*nearest)) nearest = &cost;
    }
    if (nearest == nullptr) return 0;
    const double per_call = pipeline::find_method(planned.configuration.method).cost_per_call;
    return per_call > 1 ? nearest->gradient_seconds / per_call : nearest->forward_seconds;
}

}  // namespace workers
