#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace pipeline {

/// Makes a file that is there whole or not at all, even after a power cut.
///
/// `write` is given a fresh name in the target's own folder (which is made where it is missing), ending in `.tmp`, and
/// must create that file itself, refusing one that exists, and close it. Then the file is synced, renamed over the
/// target, and the folder synced. Where anything fails the temporary file is removed and the target stays as it was.
/// @throws FileError  and whatever `write` throws
void commit_file(const std::filesystem::path& target,
                 const std::function<void(const std::filesystem::path& temporary)>& write);

/// The same for bytes that are in memory.
void commit_bytes(const std::filesystem::path& target, std::string_view bytes);

}  // namespace pipeline
