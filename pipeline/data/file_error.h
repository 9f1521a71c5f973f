#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace pipeline {

/// A file that cannot be read, written or believed: "PATH: reason" in one line, control characters escaped.
class FileError : public std::runtime_error {
  public:
    FileError(const std::filesystem::path& path, const std::string& reason);
};

/// A file of this program in another version, whole or not.
class OtherSchemaError : public FileError {
  public:
    using FileError::FileError;
};

/// Text fit for a terminal or a log: control characters and invalid UTF-8 as \xNN.
std::string printable(std::string_view text);

}  // namespace pipeline
