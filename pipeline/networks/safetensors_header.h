#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pipeline {

/// Where one tensor lies in a safetensors file.
struct SafetensorsEntry {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::uint64_t begin = 0;  ///< From the start of the buffer, in bytes.
    std::uint64_t end = 0;    ///< Exclusive.
};

struct SafetensorsHeader {
    std::size_t buffer_start = 0;  ///< Position in the file.
    std::map<std::string, SafetensorsEntry> entries;
};

/// Reads and checks the header of a whole safetensors file: that it fits, that it is UTF-8 and JSON without duplicate
/// names, that every dtype is known and loadable, and that the tensors tile the buffer without holes and overlaps.
/// @param file  stands for the file in messages
/// @throws CheckpointError
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> bytes, std::string_view file);

}  // namespace pipeline
