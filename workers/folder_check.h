#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "workers/worker.h"

namespace workers {

/// Tries whether a file of so many bytes can be written into a folder now, by writing one and taking it away.
/// @return why not ("No space left on device"), or nothing
std::string trouble_with_writing(const std::filesystem::path& folder, std::int64_t bytes);

/// A failure that is the folder's and not the unit's (a full disk, a quota, a mount that became read-only) gets the
/// exit code and the words that end the run.
/// @param bytes  what could not be written
void blame_folder(FailureReport& report, const std::filesystem::path& folder, std::int64_t bytes);

}  // namespace workers
