#include "workers/point_table.h"

#include <map>
#include <set>
#include <span>
#include <utility>

#include "jobs/report/aligned_table.h"
#include "operators/make_operator.h"
#include "pipeline/data/file_error.h"
#include "pipeline/samplers/make_sampler.h"

namespace workers {

namespace {

/// Axes that have one value at all points say nothing in a table.
using ShownAxes = std::set<std::pair<std::string, std::string>>;

std::string axis_words(const std::string& section, std::span<const operators::Option> options,
                       const operators::Settings& settings, const ShownAxes* shown) {
    std::string words = section;
    for (const operators::Option& option : options) {
        if (!option.is_axis || !settings.contains(option.name)) continue;
        if (shown != nullptr && !shown->contains({section, std::string(option.name)})) continue;
        words += " " + std::string(option.name) + "=" + operators::to_string(settings.at(option.name));
    }
    return pipeline::printable(words);
}

std::string shown_method(const pipeline::Configuration& configuration, const ShownAxes* shown) {
    std::string words = axis_words(configuration.method, pipeline::find_method(configuration.method).options,
                                   configuration.method_settings, shown);
    const bool has_steps = shown == nullptr || shown->contains({configuration.method, "steps"});
    if (has_steps && !configuration.respacing.empty())
        words += " steps=" + pipeline::printable(configuration.respacing);
    return words;
}

/// Those of a method that differ between two of its points.
ShownAxes differing_axes(const std::vector<const jobs::PlannedConfiguration*>& points) {
    std::map<std::pair<std::string, std::string>, std::set<std::string>> values;
    for (const jobs::PlannedConfiguration* point : points) {
        const pipeline::Configuration& configuration = point->configuration;
        for (const auto& [name, value] : configuration.method_settings) {
            values[{configuration.method, name}].insert(operators::to_string(value));
        }
        values[{configuration.method, "steps"}].insert(configuration.respacing);
    }
    ShownAxes shown;
    for (const auto& [axis, found] : values) {
        if (found.size() > 1) shown.insert(axis);
    }
    return shown;
}

}  // namespace

std::string method_words(const pipeline::Configuration& configuration) {
    return shown_method(configuration, nullptr);
}

std::string operator_words(const pipeline::Configuration& configuration) {
    if (configuration.operator_name == "none") return "-";
    return axis_words(configuration.operator_name, operators::find_operator(configuration.operator_name).options,
                      configuration.operator_settings, nullptr);
}

std::string noise_words(const pipeline::Configuration& configuration) {
    if (configuration.operator_name == "none") return "-";
    if (configuration.estimates_sigma) return "estimate";
    if (configuration.poisson_rate > 0) {
        return "poisson " + operators::to_string(operators::Value(configuration.poisson_rate));
    }
    return operators::to_string(operators::Value(configuration.sigma_y));
}

std::vector<std::string> point_table(const std::vector<const jobs::PlannedConfiguration*>& points,
                                     const std::vector<std::string>& titles,
                                     const std::function<std::vector<std::string>(std::size_t point)>& cells) {
    std::vector<jobs::TableCells> lines = {{"method", "operator", "sigma_y", "NFE"}};
    lines.front().insert(lines.front().end(), titles.begin(), titles.end());
    const ShownAxes shown = differing_axes(points);
    for (std::size_t point = 0; point < points.size(); ++point) {
        const pipeline::Configuration& configuration = points[point]->configuration;
        lines.push_back({shown_method(configuration, &shown), operator_words(configuration), noise_words(configuration),
                         std::to_string(points[point]->nfe)});
        for (const std::string& cell : cells(point)) lines.back().push_back(cell);
    }
    std::vector<std::string> text;
    const std::string all = jobs::aligned(lines);
    for (std::size_t begin = 0; begin < all.size();) {
        const std::size_t end = all.find('\n', begin);
        text.push_back(all.substr(begin, end - begin));
        begin = end + 1;
    }
    return text;
}

}  // namespace workers
