#include "jobs/plan_json.h"

#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/sha256.h"

namespace jobs {

namespace {

using Json = nlohmann::json;

/// Raised when units or their bytes come to mean something else.
constexpr int plan_format = 2;

Json configurations_json(const SweepPlan& plan) {
    Json list = Json::array();
    for (const PlannedConfiguration& planned : plan.configurations()) {
        Json json = Json::parse(planned.configuration.to_json());
        json["samples"] = planned.samples;
        json["is_generation"] = planned.is_generation;
        if (!planned.parameter_digest.empty()) json["parameter_digest"] = planned.parameter_digest;
        list.push_back(std::move(json));
    }
    return list;
}

PlannedConfiguration configuration_from(const Json& json, const Json& prediction) {
    PlannedConfiguration planned;
    planned.configuration = pipeline::Configuration::from_json(json.dump());
    planned.samples = json.at("samples").get<std::int64_t>();
    planned.is_generation = json.at("is_generation").get<bool>();
    planned.parameter_digest = json.value("parameter_digest", std::string());
    planned.nfe = prediction.at("nfe").get<int>();
    planned.cost_per_image = prediction.at("cost_per_image").get<double>();
    if (planned.samples < 1) throw JobError("plan.json: samples are below 1");
    return planned;
}

std::vector<std::int64_t> images_between(std::int64_t first, std::int64_t last) {
    constexpr std::int64_t most = 1'000'000'000;
    if (first < 0 || last < first || last - first >= most) throw JobError("plan.json: images are no range");
    std::vector<std::int64_t> images(static_cast<std::size_t>(last - first + 1));
    std::iota(images.begin(), images.end(), first);
    return images;
}

/// Numbers as [first, last] of their runs: what most of a dataset is.
Json runs_json(const std::vector<std::int64_t>& numbers) {
    Json runs = Json::array();
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1) ++end;
        runs.push_back({numbers[i], numbers[end - 1]});
        i = end;
    }
    return runs;
}

Json sizes_json(const SweepPlan& plan) {
    Json sizes = Json::array();
    for (const ImageGroup& group : plan.groups()) {
        sizes.push_back({{"height", group.height}, {"width", group.width}, {"images", runs_json(group.images)}});
    }
    return sizes;
}

std::vector<ImageGroup> groups_from(const Json& sizes) {
    constexpr std::int64_t largest = 1 << 20;
    std::vector<ImageGroup> groups;
    for (const Json& size : sizes) {
        ImageGroup group{size.at("height").get<std::int64_t>(), size.at("width").get<std::int64_t>(), {}};
        if (group.height < 1 || group.width < 1 || group.height > largest || group.width > largest) {
            throw JobError("plan.json: a size of its images is none");
        }
        for (const Json& run : size.at("images")) {
            const std::vector<std::int64_t> numbers = images_between(run.at(0), run.at(1));
            group.images.insert(group.images.end(), numbers.begin(), numbers.end());
        }
        groups.push_back(std::move(group));
    }
    return groups;
}

/// What determines results, in a form that two plans can be compared by, name by name.
Json determining(const SweepPlan& plan) {
    Json json;
    json["format"] = plan_format;
    json["seed"] = plan.seed();
    json["batch"] = plan.batch();
    json["threads"] = plan.threads();
    json["image_shape"] = {plan.image_shape().channels, plan.image_shape().height, plan.image_shape().width};
    if (plan.is_measured()) {
        json["measured"] = {{"size_multiple", plan.size_multiple()}, {"sizes", sizes_json(plan)}};
    } else if (!plan.images().empty()) {
        json["images"] = {plan.images().front(), plan.images().back()};
    }
    json["dataset_digest"] = plan.dataset_digest();
    json["model_sha256"] = plan.model_sha256();
    json["model_settings"] = Json::parse(plan.model_settings());
    json["lpips_sha256"] = plan.lpips_sha256();
    json["store"] = plan.store() == pipeline::Store::uint8 ? "uint8" : "float32";
    // Where it is not said it is float32.
    if (plan.precision() != pipeline::Precision::float32) json["precision"] = pipeline::to_string(plan.precision());
    json["configurations"] = configurations_json(plan);
    return json;
}

}  // namespace

std::string plan_digest(const SweepPlan& plan) {
    return pipeline::sha256(determining(plan).dump());
}

std::string SweepPlan::to_json() const {
    Json json = determining(*this);
    // What follows from it, and what may differ between two runs of one plan.
    Json& predictions = json["predictions"] = Json::array();
    for (const PlannedConfiguration& planned : configurations_) {
        predictions.push_back({{"nfe", planned.nfe}, {"cost_per_image", planned.cost_per_image}});
    }
    json["digest"] = digest_;
    json["units"] = unit_count();
    json["rows"] = rows();
    json["dataset"] = dataset_;
    json["model"] = model_.string();
    json["model_preset"] = model_preset_;
    json["lpips"] = lpips_;
    json["device"] = device_;
    json["job"] = job_text_;
    return json.dump(1) + "\n";
}

SweepPlan SweepPlan::from_json(const std::string& text) {
    SweepPlan plan;
    try {
        const Json json = Json::parse(text);
        if (json.at("format") != plan_format) {
            throw JobError("plan.json: format " + json.at("format").dump() + "; this program reads format " +
                           std::to_string(plan_format));
        }
        plan.seed_ = json.at("seed").get<std::uint64_t>();
        plan.batch_ = json.at("batch").get<int>();
        plan.threads_ = json.at("threads").get<int>();
        const Json& shape = json.at("image_shape");
        plan.image_shape_ = {shape.at(0).get<std::int64_t>(), shape.at(1).get<std::int64_t>(),
                             shape.at(2).get<std::int64_t>()};
        if (plan.batch_ < 1) throw JobError("plan.json: batch is below 1");
        if (json.contains("measured")) {
            plan.is_measured_ = true;
            plan.size_multiple_ = json["measured"].at("size_multiple").get<int>();
            if (plan.size_multiple_ < 1) throw JobError("plan.json: size_multiple is below 1");
            plan.set_groups(groups_from(json["measured"].at("sizes")));
        } else {
            std::vector<std::int64_t> images;
            if (json.contains("images")) images = images_between(json["images"].at(0), json["images"].at(1));
            plan.set_groups({{plan.image_shape_.height, plan.image_shape_.width, std::move(images)}});
        }
        plan.dataset_ = json.at("dataset").get<std::string>();
        plan.dataset_digest_ = json.at("dataset_digest").get<std::string>();
        plan.model_ = json.at("model").get<std::string>();
        plan.model_preset_ = json.at("model_preset").get<std::string>();
        plan.model_sha256_ = json.at("model_sha256").get<std::string>();
        plan.model_settings_ = json.at("model_settings").dump();
        plan.lpips_ = json.at("lpips").get<std::string>();
        plan.lpips_sha256_ = json.at("lpips_sha256").get<std::string>();
        plan.device_ = json.at("device").get<std::string>();
        plan.job_text_ = json.at("job").get<std::string>();
        plan.precision_ = pipeline::parse_precision(json.value("precision", std::string("float32")));
        plan.store_ = json.at("store") == "uint8" ? pipeline::Store::uint8 : pipeline::Store::float32;
        const Json& configurations = json.at("configurations");
        for (std::size_t i = 0; i < configurations.size(); ++i) {
            plan.configurations_.push_back(configuration_from(configurations.at(i), json.at("predictions").at(i)));
        }
        plan.digest_ = json.at("digest").get<std::string>();
    } catch (const Json::exception& error) {
        throw JobError(std::string("plan.json: not a plan of this program: ") + pipeline::printable(error.what()));
    } catch (const std::invalid_argument& error) {
        throw JobError(std::string("plan.json: not a plan of this program: ") + pipeline::printable(error.what()));
    }
    plan.number_units();
    plan.find_restored_shapes();
    if (plan_digest(plan) != plan.digest_)
        throw JobError("plan.json: its content does not have the digest that it states");
    return plan;
}

}  // namespace jobs
