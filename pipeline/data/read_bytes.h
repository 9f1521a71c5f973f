#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace pipeline {

/// The most that a file read whole may hold: images, kernels, settings.
inline constexpr std::uint64_t whole_file_limit_bytes = std::uint64_t{1} << 30;

/// Size of a regular file (links are followed).
/// @throws FileError  where it is missing, or a folder, pipe or device
std::uint64_t size_of_file(const std::filesystem::path& path);

/// A regular file's bytes [first, first + count), fewer where it ends before.
/// @throws FileError
std::string read_bytes(const std::filesystem::path& path, std::uint64_t first, std::uint64_t count);

/// A regular file as a whole.
/// @throws FileError  where it cannot be read or is larger than `whole_file_limit_bytes`
std::string read_bytes(const std::filesystem::path& path);

}  // namespace pipeline
