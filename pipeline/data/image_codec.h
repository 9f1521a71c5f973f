#pragma once

#include <filesystem>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "pipeline/data/image_file.h"

namespace pipeline {

// The two decoders behind image_file. Both work on bytes in memory; `path` is for messages.

bool is_png(std::string_view bytes);
bool is_jpeg(std::string_view bytes);

/// @param bytes  a file's beginning, at least up to the pixels
ImageHeader png_header(std::string_view bytes, const std::filesystem::path& path);
ImageHeader jpeg_header(std::string_view bytes, const std::filesystem::path& path);

/// Stored levels, [H, W, C]: uint8, or int32 holding 0 … 65535.
at::Tensor decode_png(std::string_view bytes, const std::filesystem::path& path);
at::Tensor decode_jpeg(std::string_view bytes, const std::filesystem::path& path);

/// True where the chunks, or the markers, of the whole file lead to its end mark.
bool has_png_end(std::string_view bytes);
bool has_jpeg_end(std::string_view bytes);

/// @throws FileError  where a side or the number of pixels is 0 or above its limit
void check_image_size(std::uint64_t width, std::uint64_t height, const std::filesystem::path& path);

}  // namespace pipeline
