#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "jobs/campaign.h"

namespace jobs {

/// A file of a run that is not what it must be.
struct Damage {
    std::filesystem::path file;       ///< Relative to the run's folder.
    std::string reason;               ///< One line, without the file's name.
    std::vector<std::int64_t> units;  ///< Committed units that must be computed again to make the file again.
};

/// How results.h5 stands to the units.
enum class ResultsState {
    absent,    ///< There is none.
    outdated,  ///< Merged from another number of units: `merge` makes it again, nothing is said about it.
    checked,   ///< Held to the units that are committed.
};

struct VerifyResult {
    std::vector<Damage> damages;  ///< Units by number, then measurements in the plan's order, then results.
    std::vector<std::filesystem::path> foreign;  ///< Below units/ and measurements/, and no files of this run; sorted.
    std::int64_t units = 0;                      ///< Committed units that were read.
    std::int64_t measurements = 0;               ///< Measurement files that were read.
    ResultsState results = ResultsState::absent;
};

/// Reads every committed file of a run again.
///
/// - A unit file: the seal over its bytes, the digest of its content, the record of it, and that number, plan digest,
/// configuration,
///   images and samples are those of its place in the plan.
/// - A measurement file: seal, digest and record, and that operator, settings, noise level and images are the plan's.
/// It names
///   no plan, so one of another seed is not told apart. It is missing where a unit that reads it is committed.
/// - results.h5, where it was merged from as many units as are committed now: plan digest, content digest (recomputed
///   from the digests in unit and measurement files), stored images and measured columns against the unit files, the
///   checksums of truth and measurements. Not its columns of text, and not results.csv.
/// - plan.json is held to its own digest by `Campaign::open`; images.txt and the journal determine nothing.
///
/// Temporary files (`*.tmp`) are passed over: a running worker may be writing them, the next run removes them.
/// One file is in memory at a time; beside it eight bytes a committed unit, and what is damaged.
/// @throws EnvironmentError  where folders cannot be listed
VerifyResult verify(const Campaign& campaign);

/// Removes the damaged files, and for each measurement that is damaged or missing one committed unit that reads it
/// (`Damage::units`), so that a following run computes exactly these again: the unit finds no measurement and makes it
/// first. Both are functions of the plan alone, so they come back with the bytes they had; all other units of the block
/// stay. Foreign files are left alone. May be stopped at any point and called again after another `verify`.
/// @return how many files were removed
/// @throws EnvironmentError  where a file cannot be removed
std::int64_t set_aside(const Campaign& campaign, const VerifyResult& result);

}  // namespace jobs
