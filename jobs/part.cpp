#include "jobs/part.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

constexpr std::string_view part_keys[] = {"method", "operator", "sigma-y"};

/// The value that a configuration has for a key; empty for the noise level of one that generates.
std::string value_in(const PlannedConfiguration& planned, std::string_view key) {
    const pipeline::Configuration& configuration = planned.configuration;
    if (key == "method") return configuration.method;
    if (key == "operator") return configuration.operator_name;
    return std::isnan(configuration.sigma_y) ? "" : operators::to_string(operators::Value(configuration.sigma_y));
}

/// All values of a key, in the plan's order.
std::vector<std::string> values_in(const SweepPlan& plan, std::string_view key) {
    std::vector<std::string> values;
    for (const PlannedConfiguration& planned : plan.configurations()) {
        std::string value = value_in(planned, key);
        if (!value.empty() && std::ranges::find(values, value) == values.end()) values.push_back(std::move(value));
    }
    return values;
}

std::string listed(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + pipeline::printable(word);
    return text.empty() ? "none" : text;
}

[[noreturn]] void refuse_part(const std::string& item, const std::string& reason) {
    throw JobError("--only " + pipeline::printable(item) + ": " + reason);
}

/// "0.050" is 0.05 in the spelling of the plan.
std::string in_plans_spelling(std::string_view key, const std::string& value) {
    double number = 0;
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_number = key == "sigma-y" && error == std::errc{} && stop == value.data() + value.size();
    return is_number ? operators::to_string(operators::Value(number)) : value;
}

using Wanted = std::map<std::string, std::set<std::string>>;

void add_item(Wanted& wanted, const std::string& item, const SweepPlan& plan) {
    const std::size_t equals = item.find('=');
    if (item.empty())
        refuse_part("''", "an empty item; allowed: KEY=VALUE,KEY=VALUE …, keys method, operator, sigma-y");
    if (equals == std::string::npos) refuse_part(item, "is no KEY=VALUE; keys are method, operator, sigma-y");
    const std::string key = item.substr(0, equals);
    if (std::ranges::find(part_keys, key) == std::ranges::end(part_keys)) {
        refuse_part(item, "unknown key '" + pipeline::printable(key) + "'; allowed: method, operator, sigma-y");
    }
    const std::string value = in_plans_spelling(key, item.substr(equals + 1));
    const std::vector<std::string> values = values_in(plan, key);
    if (std::ranges::find(values, value) == values.end()) {
        refuse_part(item,
                    "the plan has no " + key + " '" + pipeline::printable(value) + "'; allowed: " + listed(values));
    }
    if (!wanted[key].insert(value).second) refuse_part(item, "is given twice");
}

}  // namespace

Part Part::parse(const std::string& text, const SweepPlan& plan) {
    Wanted wanted;
    Part part;
    part.is_everything_ = false;
    part.text_.clear();
    for (std::size_t first = 0; first <= text.size();) {
        const std::size_t end = std::min(text.find(',', first), text.size());
        add_item(wanted, text.substr(first, end - first), plan);
        first = end + 1;
    }
    for (const auto& [key, values] : wanted) {
        for (const std::string& value : values) part.text_ += (part.text_.empty() ? "" : ",") + key + "=" + value;
    }
    for (const PlannedConfiguration& planned : plan.configurations()) {
        const bool is_in = std::ranges::all_of(
            wanted, [&](const auto& each) { return each.second.contains(value_in(planned, each.first)); });
        if (!is_in || planned.units == 0) continue;
        const std::int64_t end = planned.first_unit + planned.units;
        if (!part.ranges_.empty() && part.ranges_.back().second == planned.first_unit) {
            part.ranges_.back().second = end;
        } else {
            part.ranges_.emplace_back(planned.first_unit, end);
        }
    }
    if (part.ranges_.empty()) {
        refuse_part(text, "no configuration of the plan has these together; 'diffinv plan' lists what there is");
    }
    return part;
}

bool Part::contains(std::int64_t unit) const {
    if (is_everything_) return true;
    const auto after = std::ranges::upper_bound(ranges_, unit, {}, &std::pair<std::int64_t, std::int64_t>::first);
    return after != ranges_.begin() && unit < std::prev(after)->second;
}

}  // namespace jobs
