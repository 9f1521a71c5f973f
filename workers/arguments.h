#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/job.h"

namespace workers {

/// What stands behind a command's name: words, `--name value` or `--name=value`, and flags, which have no value.
struct Arguments {
    std::vector<std::string> words;
    jobs::Overrides options;  ///< In the order given, names without `--`.
    std::vector<std::string> flags;
    std::vector<std::string> repeated;  ///< Values of the option that may be given many times.

    bool has_flag(std::string_view name) const;
    /// Takes an option that the command itself knows out of `options`; nothing where it was not given.
    std::optional<std::string> take(std::string_view name);
    /// The one word that the command wants.
    /// @param what  "a job file"
    /// @throws jobs::JobError  where there is none, or more
    const std::string& only_word(std::string_view command, std::string_view what) const;
    /// @throws jobs::JobError  where options are left that the command does not know
    void expect_no_options(std::string_view command) const;
};

/// What a command's line may hold.
struct ArgumentRules {
    bool takes_job_options = false;                 ///< Every option of a job file.
    std::span<const std::string_view> values = {};  ///< The command's own, with a value.
    std::span<const std::string_view> flags = {};   ///< The command's own, without.
    std::string_view repeated = {};                 ///< "-x": one with a value that may be given many times.
};

/// Takes a command's line apart by Boost.Program_options, in which job files are read too.
/// @throws jobs::JobError  where an option is unknown, abbreviated or repeated, lacks its value, or is no option at all
/// (`-x`)
Arguments parse_arguments(std::span<const std::string> words, const ArgumentRules& rules);

}  // namespace workers
