#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// Larger images are refused by their header, before memory is taken for their pixels.
inline constexpr std::int64_t image_side_limit = 16384;
inline constexpr std::int64_t image_pixel_limit = std::int64_t{1} << 28;

/// What an image's header says.
struct ImageHeader {
    std::int64_t channels = 0;  ///< 1 (grey) or 3 (RGB; palettes become RGB)
    std::int64_t height = 0;
    std::int64_t width = 0;
    std::int64_t bits = 8;  ///< 16 for PNG of 16 bits a channel, else 8.
};

/// Decodes a PNG (grey, RGB, palette; up to 16 bits; interlaced or not) or a JPEG (grey, YCbCr, RGB; baseline or
/// progressive), told apart by their first bytes, whatever the name says.
///
/// Levels become x = v/127.5 − 1 (16 bits: v/32767.5 − 1). Gamma, colour profiles and EXIF orientation are not applied.
/// Damage of any kind is an error, also what the decoders would only warn about.
/// @param bytes  the whole file
/// @param path   for messages
/// @return [C, H, W], float32 in [−1, 1]
/// @throws FileError  where the file is damaged, too large, of another format, CMYK, or has an alpha channel
at::Tensor decode_image(std::string_view bytes, const std::filesystem::path& path);

/// 8 or 16 a channel, of a file in memory.
/// @throws FileError  as `decode_image`
std::int64_t bits_of(std::string_view bytes, const std::filesystem::path& path);

/// Reads and decodes a file.
at::Tensor read_image(const std::filesystem::path& path);

/// The header, and a look at the end that finds truncated files, at the cost of a few blocks of the file. The pixels
/// themselves are not decoded.
/// @throws FileError  as `decode_image`, for what header and end can tell
ImageHeader check_image(const std::filesystem::path& path);

/// Commits an image, grey or RGB. The same pixels give the same bytes.
/// @param pixels  [H, W, 1 or 3]: uint8, or int32 holding 0 … 65535 for 16 bits
/// @throws FileError; std::invalid_argument where shape or type differ
void write_png(const std::filesystem::path& path, const at::Tensor& pixels);

}  // namespace pipeline
