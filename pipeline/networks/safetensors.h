#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "pipeline/networks/tensor_file.h"

namespace pipeline {

/// Reads a safetensors file through a mapping: nothing is copied until a tensor is converted or moved.
///
/// Everything the reference implementation refuses is refused: a header that does not fit, invalid UTF-8 or JSON,
/// duplicate names, unknown or unsupported dtypes, shapes that overflow or disagree with their offsets, holes,
/// overlaps, trailing bytes.
/// @throws CheckpointError  naming the file, the tensor where there is one, and the reason
TensorMap read_safetensors(const std::filesystem::path& path);

/// The same for a file's bytes in memory, which must outlive the tensors. `name` stands for the file in messages.
TensorMap read_safetensors(std::span<const std::byte> bytes, std::string_view name);

/// Names, dtypes and shapes alone, with all the same checks.
TensorHeaders read_safetensors_headers(const std::filesystem::path& path);

/// Writes float32 tensors, sorted by name. For tests and conversions.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors);

}  // namespace pipeline
