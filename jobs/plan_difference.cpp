#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "jobs/sweep_plan.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

std::string digest_words(const std::string& digest) {
    return digest.empty() ? "none" : digest.substr(0, 12) + (digest.size() > 12 ? "…" : "");
}

std::string size_words(const operators::Shape& shape) {
    return std::to_string(shape.height) + "x" + std::to_string(shape.width) + " of " + std::to_string(shape.channels) +
           " channels";
}

std::string image_words(const SweepPlan& plan) {
    if (plan.images().empty()) return "none";
    return std::to_string(plan.images().front()) + "-" + std::to_string(plan.images().back());
}

/// "embedded", "none", or the digest of the file.
std::string lpips_words(const SweepPlan& plan) {
    const bool is_word = plan.lpips() == "embedded" || plan.lpips() == "none";
    return is_word ? plan.lpips() : "SHA-256 " + digest_words(plan.lpips_sha256());
}

std::string joined(const Words& words) {
    constexpr std::size_t longest = 60;
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + pipeline::printable(word);
    if (text.empty()) return "nothing";
    return text.size() <= longest ? text : text.substr(0, longest) + "…";
}

/// The values of every name over the configurations of a plan, names and values in the order they come.
class Axes {
  public:
    explicit Axes(const SweepPlan& plan) {
        for (const PlannedConfiguration& planned : plan.configurations()) add(planned);
    }

    const std::vector<std::pair<std::string, Words>>& all() const { return axes_; }
    const Words* find(const std::string& name) const {
        const auto found = std::ranges::find(axes_, name, &std::pair<std::string, Words>::first);
        return found == axes_.end() ? nullptr : &found->second;
    }

  private:
    void add(const PlannedConfiguration& planned) {
        const pipeline::Configuration& point = planned.configuration;
        add("method", point.method);
        add("operator", point.operator_name);
        if (!planned.is_generation) {
            add("sigma-y", operators::to_string(operators::Value(point.sigma_y)));
            add("poisson-rate", operators::to_string(operators::Value(point.poisson_rate)));
            add("noise-on-unobserved", point.noise_on_unobserved ? "yes" : "no");
        }
        // A sweep may give each method its own.
        add(point.method + ".samples", std::to_string(planned.samples));
        add(point.method + ".respacing", point.respacing.empty() ? "every timestep" : point.respacing);
        add(point.method + ".variance", std::string(to_string(point.variance)));
        add("clip", point.clip ? "yes" : "no");
        add("class", point.class_label.empty() ? "none" : point.class_label);
        for (const auto& [name, value] : point.method_settings) {
            add(point.method + "." + name, operators::to_string(value));
        }
        for (const auto& [name, value] : point.operator_settings) {
            add(point.operator_name + "." + name, operators::to_string(value));
        }
        if (!planned.parameter_digest.empty()) {
            add(point.operator_name + ".file", "SHA-256 " + digest_words(planned.parameter_digest));
        }
    }

    void add(const std::string& name, const std::string& value) {
        auto axis = std::ranges::find(axes_, name, &std::pair<std::string, Words>::first);
        if (axis == axes_.end()) axis = axes_.insert(axis, {name, {}});
        if (std::ranges::find(axis->second, value) == axis->second.end()) axis->second.push_back(value);
    }

    std::vector<std::pair<std::string, Words>> axes_;
};

/// Collects what differs; all of it is counted, the first few are told.
class Differences {
  public:
    void compare(const std::string& name, const std::string& folder, const std::string& job) {
        if (folder == job) return;
        if (++count_ > told) return;
        text_ += (text_.empty() ? "" : "; ") + name + ": " + folder + " in the folder, " + job + " in the job";
    }

    bool is_empty() const { return count_ == 0; }

    std::string finish() const {
        return count_ > told ? text_ + "; and " + std::to_string(count_ - told) + " more" : text_;
    }

  private:
    static constexpr std::size_t told = 3;
    std::string text_;
    std::size_t count_ = 0;
};

void compare_model_settings(Differences& differences, const SweepPlan& folder, const SweepPlan& job) {
    const Json before = Json::parse(folder.model_settings()), now = Json::parse(job.model_settings());
    for (const Json& change : Json::diff(before, now)) {
        const std::string path = change.at("path").get<std::string>();
        const Json::json_pointer pointer(path);
        const auto words = [&](const Json& json) {
            return json.contains(pointer) ? joined({json.at(pointer).dump()}) : std::string("nothing");
        };
        differences.compare("model setting " + path.substr(std::min<std::size_t>(1, path.size())), words(before),
                            words(now));
    }
}

void compare_axes(Differences& differences, const SweepPlan& folder, const SweepPlan& job) {
    const Axes before(folder), now(job);
    for (const auto& [name, values] : before.all()) {
        const Words* others = now.find(name);
        // Settings of a method that only one of them has: that method was told.
        if (others == nullptr && name.find('.') != std::string::npos) {
            const std::string section = name.substr(0, name.find('.'));
            if (now.find(section + ".samples") == nullptr) continue;
        }
        differences.compare(name, joined(values), others == nullptr ? "nothing" : joined(*others));
    }
}

/// Where every axis has the same values, but not the same points.
void compare_points(Differences& differences, const SweepPlan& folder, const SweepPlan& job) {
    const auto& before = folder.configurations();
    const auto& now = job.configurations();
    differences.compare("points of the sweep", std::to_string(before.size()), std::to_string(now.size()));
    for (std::size_t point = 0; differences.is_empty() && point < before.size(); ++point) {
        const Json one = Json::parse(before[point].configuration.to_json());
        const Json other = Json::parse(now[point].configuration.to_json());
        const auto words = [&](const PlannedConfiguration& planned, const Json& json, const Json& against) {
            std::string text = planned.configuration.method + " of " + planned.configuration.measurement_label() +
                               ", " + std::to_string(planned.samples) + " samples";
            for (const auto& [name, value] : json.at("method_settings").items()) {
                const Json& settings = against.at("method_settings");
                if (settings.contains(name) && settings.at(name) != value) text += ", " + name + " " + value.dump();
            }
            return text;
        };
        if (one == other && before[point].samples == now[point].samples) continue;
        differences.compare("point " + std::to_string(point) + " of the sweep", words(before[point], one, other),
                            words(now[point], other, one));
    }
}

}  // namespace

std::string SweepPlan::difference(const SweepPlan& folder, const SweepPlan& job) {
    Differences differences;
    const auto compare = [&](const std::string& name, auto value) {
        differences.compare(name, value(folder), value(job));
    };
    compare("seed", [](const SweepPlan& plan) { return std::to_string(plan.seed()); });
    compare("batch", [](const SweepPlan& plan) { return std::to_string(plan.batch()); });
    compare("threads", [](const SweepPlan& plan) { return std::to_string(plan.threads()); });
    compare("precision", [](const SweepPlan& plan) { return std::string(pipeline::to_string(plan.precision())); });
    compare("image-size", [](const SweepPlan& plan) { return size_words(plan.image_shape()); });
    compare("images", image_words);
    if (folder.dataset_digest() != job.dataset_digest()) {
        differences.compare("dataset (names and sizes of its images)",
                            "digest " + digest_words(folder.dataset_digest()),
                            "digest " + digest_words(job.dataset_digest()));
    }
    compare("model", [](const SweepPlan& plan) { return "SHA-256 " + digest_words(plan.model_sha256()); });
    compare_model_settings(differences, folder, job);
    compare("lpips", lpips_words);
    compare("store", [](const SweepPlan& plan) {
        return std::string(plan.store() == pipeline::Store::uint8 ? "uint8" : "float32");
    });
    compare_axes(differences, folder, job);
    if (differences.is_empty()) compare_points(differences, folder, job);
    return differences.is_empty() ? "their digests differ" : differences.finish();
}

}  // namespace jobs
