#pragma once

#include <string>
#include <string_view>

namespace pipeline {

/// A name from a foreign file as it may be printed: control characters and invalid UTF-8 become \xNN, and what is
/// longer than 200 bytes is cut with "…".
std::string readable_name(std::string_view name);

}  // namespace pipeline
