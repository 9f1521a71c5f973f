#include "tests/gpu/check/record.h"

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

namespace gpu_check {

void Record::add(Line line) {
    std::printf("%-10s %-52s %12.5g %-10s %-12s %s\n", line.group.c_str(), line.name.c_str(), line.value,
                line.unit.c_str(), line.wanted.c_str(),
                line.wanted.empty() ? ""
                : line.is_good      ? "ok"
                                    : "FAIL");
    std::fflush(stdout);
    lines_.push_back(std::move(line));
}

void Record::at_most(const std::string& group, const std::string& name, double value, double limit,
                     const std::string& unit) {
    char wanted[32];
    std::snprintf(wanted, sizeof wanted, "<= %.3g", limit);
    add({group, name, value, unit, wanted, value <= limit});
}

void Record::holds(const std::string& group, const std::string& name, bool is_good) {
    add({group, name, is_good ? 1.0 : 0.0, "", "= 1", is_good});
}

void Record::figure(const std::string& group, const std::string& name, double value, const std::string& unit) {
    add({group, name, value, unit, "", true});
}

void Record::failure(const std::string& group, const std::string& reason) {
    std::printf("%-10s FAIL: %s\n", group.c_str(), reason.c_str());
    lines_.push_back({group, reason, 0, "", "no failure", false});
}

double Record::value(const std::string& group, const std::string& name) const {
    for (const Line& line : lines_) {
        if (line.group == group && line.name == name) return line.value;
    }
    return 0;
}

bool Record::is_good() const {
    for (const Line& line : lines_) {
        if (!line.is_good) return false;
    }
    return true;
}

void Record::write_json(const std::filesystem::path& file, const std::string& card) const {
    nlohmann::json json = {{"card", card}, {"lines", nlohmann::json::array()}};
    for (const Line& line : lines_) {
        json["lines"].push_back({{"group", line.group},
                                 {"name", line.name},
                                 {"value", line.value},
                                 {"unit", line.unit},
                                 {"wanted", line.wanted},
                                 {"is_good", line.is_good}});
    }
    std::ofstream(file) << json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

}  // namespace gpu_check
