#pragma once

#include <string>

namespace jobs {

/// A text as one field of a CSV file (RFC 4180): quoted where it holds a comma, a quote or a line's end.
std::string csv_field(const std::string& text);

/// A number as a field: the shortest form that reads back the same; empty for NaN.
std::string csv_field(double value);

}  // namespace jobs
