#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operators/option.h"

namespace jobs {

/// An option under the name it has in a job file: `seed`, `dps.zeta`, `dps.sigma-y`.
struct NamedOption {
    std::string name;
    std::string section;  ///< Method or operator; empty for the job's own.
    operators::Option option;
};

/// Every option there is: the job's own, then each method's and operator's section. What a job file and a command line
/// may say.
const std::vector<NamedOption>& all_options();

/// The option of this exact name, or null.
const NamedOption* find_option(std::string_view name);

/// "unrecognised option 'dps.zetta' (did you mean dps.zeta?); allowed in [dps]: preset, zeta, …".
std::string unknown_option(std::string_view name);

/// "sections ddpm, ddim, …": the methods and operators that have options.
std::string section_names();

}  // namespace jobs
