#include "jobs/report/result_points.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <map>
#include <set>
#include <span>

#include "jobs/results_columns.h"
#include "operators/make_operator.h"
#include "operators/option.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

/// An axis and its value at one point.
struct AxisValue {
    std::string name;
    std::string value;
    auto operator<=>(const AxisValue&) const = default;
};

/// What tells one point from another.
struct PointKey {
    std::string operator_name;
    std::vector<AxisValue> operator_axes;
    std::string sigma_y;
    std::string method;
    std::vector<AxisValue> method_axes;
    auto operator<=>(const PointKey&) const = default;

    bool has_same_measurement(const PointKey& other) const {
        return operator_name == other.operator_name && operator_axes == other.operator_axes && sigma_y == other.sigma_y;
    }
};

std::vector<AxisValue> axis_values(const ResultRows& rows, std::int64_t row, const std::string& section,
                                   std::span<const operators::Option> options) {
    std::vector<AxisValue> axes;
    for (const operators::Option& option : options) {
        if (!option.is_axis) continue;
        const std::string name(option.name);
        axes.push_back({name, rows.setting(setting_column(section, name), row)});
    }
    return axes;
}

PointKey key_of(const ResultRows& rows, std::int64_t row) {
    const auto place = static_cast<std::size_t>(row);
    PointKey key;
    key.operator_name = rows.operator_name[place];
    if (key.operator_name != "none") {
        key.operator_axes =
            axis_values(rows, row, key.operator_name, operators::find_operator(key.operator_name).options);
    }
    key.sigma_y = operators::to_string(operators::Value(rows.sigma_y[place]));
    key.method = rows.method[place];
    key.method_axes = axis_values(rows, row, key.method, pipeline::find_method(key.method).options);
    const std::string& steps = rows.respacing[place];
    key.method_axes.push_back({"steps", steps.empty() ? "all" : steps});
    return key;
}

/// The axes of a method that have several values somewhere under one measurement: what its labels must say. A setting
/// that only follows the operator (`zeta = auto`) is none of them.
std::set<std::string> telling_axes(const std::vector<PointKey>& keys, const std::string& method) {
    std::set<std::string> telling;
    for (const PointKey& one : keys) {
        for (const PointKey& other : keys) {
            if (one.method != method || other.method != method || !one.has_same_measurement(other)) continue;
            for (std::size_t axis = 0; axis < one.method_axes.size(); ++axis) {
                if (one.method_axes[axis] != other.method_axes[axis]) telling.insert(one.method_axes[axis].name);
            }
        }
    }
    return telling;
}

MeasuredAs measured_as(const PointKey& key, double sigma_y) {
    MeasuredAs measured{
        .operator_name = key.operator_name, .settings = {}, .sigma_y = sigma_y, .group = key.operator_name};
    for (const AxisValue& axis : key.operator_axes) {
        measured.settings.push_back(axis.name + "=" + axis.value);
        measured.group += "_" + axis.value;
    }
    return measured;
}

/// Points of one measurement side by side, generation at the end.
std::vector<PointKey> by_measurement(const std::vector<PointKey>& keys) {
    std::vector<PointKey> ordered;
    for (const PointKey& key : keys) {
        const auto last = std::find_if(ordered.rbegin(), ordered.rend(),
                                       [&key](const PointKey& other) { return key.has_same_measurement(other); });
        ordered.insert(last == ordered.rend() ? ordered.end() : last.base(), key);
    }
    std::ranges::stable_partition(ordered, [](const PointKey& key) { return key.operator_name != "none"; });
    return ordered;
}

std::string joined(std::string text, const std::vector<std::string>& settings) {
    for (const std::string& setting : settings) text += " " + setting;
    return text;
}

}  // namespace

std::string MeasuredAs::label() const {
    return joined(operator_name, settings);
}

std::string MeasuredAs::sigma_label() const {
    if (std::isnan(sigma_y)) return is_generation() ? "" : "estimate";
    return operators::to_string(operators::Value(sigma_y)) + " (" +
           operators::to_string(operators::Value(sigma_y / 2)) + ")";
}

std::string ResultPoint::label() const {
    return joined(method, settings);
}

std::vector<ResultPoint> result_points(const ResultRows& rows) {
    // Every row's point; keys in the order of the plan.
    std::map<PointKey, std::vector<std::int64_t>> rows_of;
    std::vector<PointKey> keys;
    for (std::int64_t row = 0; row < rows.count; ++row) {
        const PointKey key = key_of(rows, row);
        std::vector<std::int64_t>& of_key = rows_of[key];
        if (of_key.empty()) keys.push_back(key);
        of_key.push_back(row);
    }

    std::map<std::string, std::set<std::string>> telling;
    for (const PointKey& key : keys) {
        if (!telling.contains(key.method)) telling[key.method] = telling_axes(keys, key.method);
    }
    std::vector<ResultPoint> points;
    for (const PointKey& key : by_measurement(keys)) {
        const std::vector<std::int64_t>& of_key = rows_of.at(key);
        ResultPoint point{.measured = measured_as(key, rows.sigma_y[static_cast<std::size_t>(of_key.front())]),
                          .method = key.method,
                          .settings = {},
                          .rows = of_key};
        for (const AxisValue& axis : key.method_axes) {
            if (telling.at(key.method).contains(axis.name)) point.settings.push_back(axis.name + "=" + axis.value);
            if (!axis.value.empty()) point.all_settings.emplace_back(axis.name, axis.value);
        }
        points.push_back(std::move(point));
    }
    return points;
}

}  // namespace jobs
