#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace pipeline {

/// A file whose last line is a seal: "diffinv seal" and the SHA-256 of everything before it.
class SealedFile {
  public:
    /// Reads the file once, a piece at a time; a small file stays in memory.
    /// @throws FileError  where it is missing, or its seal is broken
    explicit SealedFile(std::filesystem::path path);

    const std::filesystem::path& path() const { return path_; }
    /// Bytes before the seal.
    std::uint64_t size() const { return size_; }
    /// @throws FileError  where these bytes are not all before the seal
    std::string bytes(std::uint64_t first, std::uint64_t count) const;

  private:
    std::filesystem::path path_;
    std::uint64_t size_ = 0;
    std::string kept_;  ///< What is before the seal, where it is small.
};

/// @throws FileError
void append_seal(const std::filesystem::path& path);

}  // namespace pipeline
