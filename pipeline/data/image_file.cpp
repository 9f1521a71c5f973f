#include "pipeline/data/image_file.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include "pipeline/data/file_error.h"
#include "pipeline/data/image_codec.h"
#include "pipeline/data/read_bytes.h"

namespace pipeline {

namespace {

/// Enough for every header but those behind large embedded profiles and previews.
constexpr std::uint64_t header_bytes = std::uint64_t{1} << 16;

[[noreturn]] void refuse_format(std::string_view bytes, const std::filesystem::path& path) {
    if (bytes.empty()) throw FileError(path, "is empty; wanted is a PNG or a JPEG");
    throw FileError(path, "is neither PNG nor JPEG (by its first bytes)");
}

ImageHeader header_of(std::string_view bytes, const std::filesystem::path& path) {
    if (is_png(bytes)) return png_header(bytes, path);
    if (is_jpeg(bytes)) return jpeg_header(bytes, path);
    refuse_format(bytes, path);
}

}  // namespace

void check_image_size(std::uint64_t width, std::uint64_t height, const std::filesystem::path& path) {
    const auto side = static_cast<std::uint64_t>(image_side_limit);
    const auto pixels = static_cast<std::uint64_t>(image_pixel_limit);
    if (width > 0 && height > 0 && width <= side && height <= side && width * height <= pixels) return;
    throw FileError(path, "claims " + std::to_string(width) + "x" + std::to_string(height) +
                              " pixels, allowed are 1 to " + std::to_string(side) + " a side and " +
                              std::to_string(pixels) + " in all");
}

at::Tensor decode_image(std::string_view bytes, const std::filesystem::path& path) {
    at::Tensor levels;
    if (is_png(bytes)) {
        levels = decode_png(bytes, path);
    } else if (is_jpeg(bytes)) {
        levels = decode_jpeg(bytes, path);
    } else {
        refuse_format(bytes, path);
    }
    const double half_range = levels.scalar_type() == at::kByte ? 127.5 : 32767.5;
    return levels.permute({2, 0, 1}).contiguous().to(at::kFloat).div_(half_range).sub_(1);
}

std::int64_t bits_of(std::string_view bytes, const std::filesystem::path& path) {
    return header_of(bytes, path).bits;
}

at::Tensor read_image(const std::filesystem::path& path) {
    return decode_image(read_bytes(path), path);
}

ImageHeader check_image(const std::filesystem::path& path) {
    const std::uint64_t size = size_of_file(path);
    std::string front = read_bytes(path, 0, header_bytes);

    // A header that goes on behind the front is read with the whole file.
    ImageHeader header;
    try {
        header = header_of(front, path);
    } catch (const FileError&) {
        if (size <= header_bytes || (!is_png(front) && !is_jpeg(front))) throw;
        front = read_bytes(path);
        header = header_of(front, path);
    }

    // Most files end with their end mark; a file with something behind it is walked through.
    constexpr std::string_view png_end("\0\0\0\0IEND\xae\x42\x60\x82", 12);
    constexpr std::string_view jpeg_end("\xff\xd9", 2);
    const std::string back = read_bytes(path, size - std::min<std::uint64_t>(size, 12), 12);
    if (back.ends_with(is_png(front) ? png_end : jpeg_end)) return header;
    const std::string whole = read_bytes(path);
    if (!(is_png(front) ? has_png_end(whole) : has_jpeg_end(whole))) {
        throw FileError(path, "is truncated: its end is missing");
    }
    return header;
}

}  // namespace pipeline
