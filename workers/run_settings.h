#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "workers/arguments.h"

namespace workers {

/// How a run is carried out: nothing of it changes a result.
struct RunSettings {
    int workers = 1;
    std::string only;             ///< The part of the sweep to run, as `jobs::Part` reads it; empty: all.
    double silence_seconds = 30;  ///< See CoordinatorSettings.
    double load_seconds = 300;
    double deadline = std::numeric_limits<double>::infinity();  ///< Seconds since the epoch.
    int replacements = 3;                                       ///< Workers that may be started for dead ones.

    std::optional<bool> work_ahead = {};  ///< A second thread beside sampling; not set: on GPUs.

    std::string launch;  ///< Names one launch, so that a late word of an earlier one is not taken for its own.

    /// Takes `--workers`, `--only`, `--worker-timeout`, `--start-timeout`, `--deadline`, `--replacements`,
    /// `--work-ahead`, `--launch`.
    /// @throws jobs::JobError
    static RunSettings take(Arguments& arguments);
    /// The same as options of `diffinv rank`; without `workers`.
    std::vector<std::string> to_words() const;
};

/// Takes an option that is a number in a range; nothing where it is not given.
/// @throws jobs::JobError  "workers: 'x', expected an integer from 1 to 4096"
std::optional<double> take_number(Arguments& arguments, const std::string& name, double lowest, double highest,
                                  bool is_whole, const std::string& expected);

}  // namespace workers
