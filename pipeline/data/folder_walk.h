#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace pipeline {

/// Names of the files below a folder that are wanted, relative to it with '/', sorted bytewise.
///
/// Hidden files and folders (names that begin with a dot) are left out. Links to folders are followed, each folder
/// once, so that circles end, real ones before linked ones, so that a file that can be reached both ways goes by its
/// real name.
/// @throws FileError  where a folder cannot be listed
std::vector<std::string> files_below(const std::filesystem::path& folder,
                                     const std::function<bool(const std::string& name)>& is_wanted);

}  // namespace pipeline
