#pragma once

#include <span>
#include <string>
#include <string_view>

#include "operators/option.h"

namespace workers {

/// A table of options as text: name, what is allowed, default, unit, whether it may be a list, help and paper.
/// @param prefix  before each name: "--", "dps."
std::string option_text(std::span<const operators::Option> options, std::string_view prefix);

/// Breaks text at blanks into lines of at most `width` columns, each after `indent` blanks.
std::string wrapped(std::string_view text, int indent, int width = 100);

}  // namespace workers
