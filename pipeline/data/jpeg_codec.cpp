#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <csetjmp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "pipeline/data/file_error.h"
#include "pipeline/data/image_codec.h"
#include "pipeline/data/image_file.h"

namespace pipeline {

namespace {

// As in the PNG decoder: a function with a setjmp holds plain values only.

/// A progressive file is decoded once per scan; honest ones have about ten, hostile ones thousands.
constexpr int jpeg_scan_limit = 100;

/// libjpeg's decoder with its error handler: any message of warning or worse ends the decoding.
struct JpegReader {
    jpeg_decompress_struct decoder{};
    jpeg_error_mgr errors{};
    jpeg_progress_mgr progress{};
    std::jmp_buf escape{};
    char message[JMSG_LENGTH_MAX] = "";
    bool is_created = false;

    JpegReader();
    JpegReader(const JpegReader&) = delete;
    JpegReader& operator=(const JpegReader&) = delete;
    ~JpegReader() {
        if (is_created) jpeg_destroy_decompress(&decoder);
    }
};

[[noreturn]] void stop_jpeg(j_common_ptr decoder) {
    auto* reader = static_cast<JpegReader*>(decoder->client_data);
    decoder->err->format_message(decoder, reader->message);
    std::longjmp(reader->escape, 1);
}

/// Level −1 is a warning: data that ended early or made no sense, and that the library would replace by grey.
void stop_at_jpeg_warning(j_common_ptr decoder, int level) {
    if (level < 0) stop_jpeg(decoder);
}

void ignore_jpeg_output(j_common_ptr) {}

void limit_jpeg_scans(j_common_ptr decoder) {
    if (reinterpret_cast<j_decompress_ptr>(decoder)->input_scan_number <= jpeg_scan_limit) return;
    auto* reader = static_cast<JpegReader*>(decoder->client_data);
    std::snprintf(reader->message, sizeof reader->message, "more than %d scans", jpeg_scan_limit);
    std::longjmp(reader->escape, 1);
}

JpegReader::JpegReader() {
    decoder.err = jpeg_std_error(&errors);
    errors.error_exit = stop_jpeg;
    errors.emit_message = stop_at_jpeg_warning;
    errors.output_message = ignore_jpeg_output;
    decoder.client_data = this;
    progress.progress_monitor = limit_jpeg_scans;
}

bool read_jpeg_header(JpegReader& reader, const unsigned char* bytes, std::size_t size) {
    if (setjmp(reader.escape) != 0) return false;
    reader.is_created = true;
    jpeg_create_decompress(&reader.decoder);
    reader.decoder.progress = &reader.progress;
    jpeg_mem_src(&reader.decoder, bytes, static_cast<unsigned long>(size));
    jpeg_read_header(&reader.decoder, TRUE);
    return true;
}

bool read_jpeg_pixels(JpegReader& reader, unsigned char* pixels, std::size_t row_bytes) {
    if (setjmp(reader.escape) != 0) return false;
    jpeg_start_decompress(&reader.decoder);
    while (reader.decoder.output_scanline < reader.decoder.output_height) {
        JSAMPROW row = pixels + reader.decoder.output_scanline * row_bytes;
        jpeg_read_scanlines(&reader.decoder, &row, 1);
    }
    jpeg_finish_decompress(&reader.decoder);
    return true;
}

[[noreturn]] void refuse_jpeg(const JpegReader& reader, const std::filesystem::path& path) {
    throw FileError(path, std::string("damaged JPEG: ") + reader.message);
}

ImageHeader checked_jpeg_header(JpegReader& reader, std::string_view bytes, const std::filesystem::path& path) {
    if (!read_jpeg_header(reader, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) {
        refuse_jpeg(reader, path);
    }
    check_image_size(reader.decoder.image_width, reader.decoder.image_height, path);
    const J_COLOR_SPACE stored = reader.decoder.jpeg_color_space;
    if (stored != JCS_GRAYSCALE && stored != JCS_YCbCr && stored != JCS_RGB) {
        throw FileError(
            path,
            std::string(stored == JCS_CMYK || stored == JCS_YCCK ? "is a CMYK JPEG" : "has an unknown colour space") +
                "; allowed are grey, YCbCr and RGB: convert it first, e.g. convert IN -colorspace sRGB OUT");
    }
    reader.decoder.out_color_space = stored == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    return {stored == JCS_GRAYSCALE ? 1 : 3, reader.decoder.image_height, reader.decoder.image_width};
}

}  // namespace

bool is_jpeg(std::string_view bytes) {
    return bytes.starts_with("\xff\xd8\xff");
}

ImageHeader jpeg_header(std::string_view bytes, const std::filesystem::path& path) {
    JpegReader reader;
    return checked_jpeg_header(reader, bytes, path);
}

at::Tensor decode_jpeg(std::string_view bytes, const std::filesystem::path& path) {
    JpegReader reader;
    const ImageHeader header = checked_jpeg_header(reader, bytes, path);
    at::Tensor levels = at::empty({header.height, header.width, header.channels}, at::TensorOptions().dtype(at::kByte));
    if (!read_jpeg_pixels(reader, static_cast<unsigned char*>(levels.data_ptr()),
                          static_cast<std::size_t>(header.width * header.channels))) {
        refuse_jpeg(reader, path);
    }
    return levels;
}

bool has_jpeg_end(std::string_view bytes) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    std::size_t at = 2;
    while (at + 1 < bytes.size()) {
        // To the next marker: in coded data FF 00 is a level and FF D0 … D7 a restart.
        if (byte(at) != 0xff) {
            at = bytes.find('\xff', at);
            if (at == std::string_view::npos) return false;
            continue;
        }
        const unsigned char marker = byte(at + 1);
        if (marker == 0xd9) return true;
        if (marker == 0xff) {
            ++at;
        } else if (marker == 0x00 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
            at += 2;
        } else {
            if (at + 3 >= bytes.size()) return false;
            at += 2 + (std::size_t{byte(at + 2)} << 8 | byte(at + 3));
        }
    }
    return false;
}

}  // namespace pipeline
