#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/job.h"

namespace jobs {

/// One option as it was given.
struct GivenOption {
    std::string name;   ///< `dps.zeta`
    std::string value;  ///< As written, without blanks around it.
    std::string where;  ///< "job.ini:7: dps.zeta = x" or "--dps.zeta x": how messages begin.
};

/// The options of a job file in Boost.Program_options' INI form, in its order. Names are checked, values are not.
/// @throws JobError  for a file that cannot be read, a line that is none, an option that is unknown, abbreviated or
/// repeated,
///                   and a value that Boost would cut at a `#`
std::vector<GivenOption> read_job_file(const std::filesystem::path& file);

/// The same for `--NAME VALUE` pairs.
std::vector<GivenOption> given_overrides(const Overrides& overrides);

/// A command's arguments, taken apart.
struct CommandLine {
    std::vector<std::string> positional;
    Overrides options;  ///< `--name value` and `--name=value`; flags have the value "".
};

/// Takes a command line apart with Boost.Program_options: no abbreviations, no guessing. All options of a job are known
/// where `takes_job`; besides them `own_values` (with a value) and `own_flags` (without).
/// @throws JobError  for an option that is unknown or repeated, or lacks its value
CommandLine parse_command_line(const std::vector<std::string>& arguments, bool takes_job,
                               std::span<const std::string_view> own_values,
                               std::span<const std::string_view> own_flags);

}  // namespace jobs
