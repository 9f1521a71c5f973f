#include "jobs/part.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <string_view>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

using PartKeys = std::map<std::string, std::set<std::string>>;

constexpr std::array<std::string_view, 3> part_keys = {"method", "operator", "sigma-y"};

/// Numbers are compared by value: 0.10 is 0.1.
std::string plain_number(double value) {
    std::array<char, 32> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::string(text.data(), end) : std::string();
}

std::string value_of(const PlannedConfiguration& planned, const std::string& key) {
    if (key == "method") return planned.configuration.method;
    if (key == "operator") return planned.configuration.operator_name;
    return plain_number(planned.configuration.sigma_y);
}

[[noreturn]] void refuse_part(const std::string& item, const std::string& expected) {
    throw JobError("only: '" + pipeline::printable(item) + "', expected " + expected);
}

std::string joined(const std::set<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

/// Reads one "key=value" and holds it to what the plan has.
void add_item(PartKeys& wanted, const std::string& item, const SweepPlan& plan) {
    const std::size_t equals = item.find('=');
    const std::string key = item.substr(0, equals);
    if (equals == std::string::npos || std::ranges::find(part_keys, key) == part_keys.end()) {
        refuse_part(item, "method=NAME, operator=NAME or sigma-y=VALUE");
    }
    std::string value = item.substr(equals + 1);
    double number = 0;
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (key == "sigma-y" && error == std::errc() && stop == value.data() + value.size()) value = plain_number(number);
    std::set<std::string> known;
    for (const PlannedConfiguration& planned : plan.configurations()) known.insert(value_of(planned, key));
    if (!known.contains(value)) refuse_part(item, "a " + key + " of this sweep: " + joined(known));
    wanted[key].insert(value);
}

}  // namespace

Part Part::parse(const std::string& text, const SweepPlan& plan) {
    PartKeys wanted;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        add_item(wanted, text.substr(begin, end - begin), plan);
        begin = end + 1;
    }
    Part part;
    part.plan_ = &plan;
    for (const PlannedConfiguration& planned : plan.configurations()) {
        part.configurations_.push_back(std::ranges::all_of(
            wanted, [&](const auto& entry) { return entry.second.contains(value_of(planned, entry.first)); }));
    }
    if (std::ranges::find(part.configurations_, true) == part.configurations_.end()) {
        refuse_part(text, "a part that is not empty: no configuration of the sweep is all of this");
    }
    return part;
}

bool Part::contains(std::int64_t unit) const {
    return plan_ == nullptr || configurations_[static_cast<std::size_t>(plan_->configuration_index(unit))];
}

}  // namespace jobs
