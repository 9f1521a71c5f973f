#include "jobs/csv_field.h"

#include <cmath>

#include "operators/option.h"

namespace jobs {

std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
}

std::string csv_field(double value) {
    return std::isnan(value) ? "" : operators::to_string(operators::Value(value));
}

}  // namespace jobs
