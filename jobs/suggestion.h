#pragma once

#include <span>
#include <string>
#include <string_view>

namespace jobs {

/// " (did you mean sdedit.t-start?)", or nothing where no known word is near: one that begins with this word, or is at
/// most three letters away (fewer for short words).
std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace jobs
