#pragma once

#include <string>
#include <vector>

#include "jobs/job_file.h"
#include "operators/option.h"

namespace jobs {

/// The items of an option's value: one, or several separated by commas where the option is an axis.
/// @throws JobError  for empty items, trailing commas, repeats, and a list where the option is no axis
std::vector<std::string> items_of(const GivenOption& given, const operators::Option& option);

/// The items as values of the option's type.
/// @throws JobError  with where, the value and what is allowed
std::vector<operators::Value> values_of(const GivenOption& given, const operators::Option& option);

/// "WHERE: REASON", the reason's own prefix kept: how a refusal from further down becomes a line about the job.
[[noreturn]] void refuse(const std::string& where, const std::string& reason);

}  // namespace jobs
