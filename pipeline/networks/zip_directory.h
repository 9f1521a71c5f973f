#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace pipeline {

/// The members of a zip archive (also ZIP64) whose members are stored, not compressed, by name: where their bytes lie.
///
/// Read from the directory at the end. Refused: compressed and encrypted members, archives of several disks, equal
/// names, members that overlap or leave the file.
/// @param file  for messages
/// @throws CheckpointError
std::map<std::string, std::span<std::byte>> read_zip_directory(std::span<std::byte> bytes, const std::string& file);

}  // namespace pipeline
