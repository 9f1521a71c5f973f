#include <png.h>

#include <bit>
#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "operators/shape.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/image_codec.h"
#include "pipeline/data/image_file.h"

namespace pipeline {

namespace {

// libpng leaves a failed call by longjmp. Every function with a setjmp below holds plain values only, so that nothing
// is left undestroyed; what owns memory stands in its caller.

constexpr std::string_view png_signature("\x89PNG\r\n\x1a\n", 8);

/// Where libpng reads from or writes to, and what went wrong.
struct PngStream {
    std::string_view input;
    std::size_t position = 0;
    std::string* output = nullptr;
    char message[160] = "";
};

[[noreturn]] void stop_png(png_structp png, png_const_charp message) {
    auto* stream = static_cast<PngStream*>(png_get_error_ptr(png));
    std::strncpy(stream->message, message, sizeof stream->message - 1);
    png_longjmp(png, 1);
}

/// Warnings are about chunks that do not touch the pixels (profiles, text).
void ignore_png_warning(png_structp, png_const_charp) {}

void read_png_bytes(png_structp png, png_bytep bytes, std::size_t size) {
    auto* stream = static_cast<PngStream*>(png_get_io_ptr(png));
    if (size > stream->input.size() - stream->position) png_error(png, "is truncated");
    std::memcpy(bytes, stream->input.data() + stream->position, size);
    stream->position += size;
}

void write_png_bytes(png_structp png, png_bytep bytes, std::size_t size) {
    auto* stream = static_cast<PngStream*>(png_get_io_ptr(png));
    bool is_written = true;
    try {
        stream->output->append(reinterpret_cast<const char*>(bytes), size);
    } catch (const std::exception&) {
        is_written = false;
    }
    if (!is_written) png_error(png, "no memory for the encoded image");
}

void keep_png_bytes(png_structp) {}

/// libpng's two structures for reading.
struct PngReader {
    PngStream stream;
    png_structp png = nullptr;
    png_infop info = nullptr;

    explicit PngReader(std::string_view bytes) {
        stream.input = bytes;
        png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &stream, stop_png, ignore_png_warning);
        if (png != nullptr) info = png_create_info_struct(png);
        if (info == nullptr) throw std::bad_alloc();
        png_set_read_fn(png, &stream, read_png_bytes);
    }
    PngReader(const PngReader&) = delete;
    PngReader& operator=(const PngReader&) = delete;
    ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

/// Everything before the pixels.
bool read_png_info(PngReader& reader) {
    if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
    png_set_user_limits(reader.png, 0x7fffffff, 0x7fffffff);  // ours are checked with a message of their own
    png_read_info(reader.png, reader.info);
    return true;
}

/// Asks for 8 or 16 bits, 1 or 3 channels.
bool prepare_png_pixels(PngReader& reader) {
    if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
    png_set_palette_to_rgb(reader.png);
    if (png_get_bit_depth(reader.png, reader.info) < 8) png_set_expand_gray_1_2_4_to_8(reader.png);
    if (std::endian::native == std::endian::little) png_set_swap(reader.png);
    png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
    return true;
}

/// All rows and what follows them up to the end mark.
bool read_png_pixels(PngReader& reader, unsigned char* pixels, std::size_t row_bytes, std::int64_t height) {
    if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
    const int passes = png_get_interlace_type(reader.png, reader.info) == PNG_INTERLACE_ADAM7 ? 7 : 1;
    for (int pass = 0; pass < passes; ++pass) {
        for (std::int64_t row = 0; row < height; ++row) {
            png_read_row(reader.png, pixels + static_cast<std::size_t>(row) * row_bytes, nullptr);
        }
    }
    png_read_end(reader.png, nullptr);
    return true;
}

[[noreturn]] void refuse_png(const PngReader& reader, const std::filesystem::path& path) {
    throw FileError(path, std::string("damaged PNG: ") + reader.stream.message);
}

ImageHeader checked_png_header(PngReader& reader, const std::filesystem::path& path) {
    if (!read_png_info(reader)) refuse_png(reader, path);
    const png_uint_32 width = png_get_image_width(reader.png, reader.info);
    const png_uint_32 height = png_get_image_height(reader.png, reader.info);
    check_image_size(width, height, path);
    const int colour = png_get_color_type(reader.png, reader.info);
    if ((colour & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0) {
        throw FileError(path,
                        "has an alpha channel; flatten it first, e.g. convert IN -background white -alpha remove OUT");
    }
    return {(colour & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1, height, width,
            png_get_bit_depth(reader.png, reader.info) == 16 ? 16 : 8};
}

/// What an encoded PNG holds.
struct PngPixels {
    const unsigned char* bytes;
    std::int64_t height, width, channels;
    int bits;
};

/// Encodes rows into `stream.output`.
bool encode_png_pixels(png_structp png, png_infop info, const PngPixels& pixels) {
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    png_set_IHDR(png, info, static_cast<png_uint_32>(pixels.width), static_cast<png_uint_32>(pixels.height),
                 pixels.bits, pixels.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    const bool is_swapped = pixels.bits == 16 && std::endian::native == std::endian::little;
    if (is_swapped) png_set_swap(png);
    const std::int64_t row_bytes = pixels.width * pixels.channels * (pixels.bits / 8);
    for (std::int64_t row = 0; row < pixels.height; ++row) png_write_row(png, pixels.bytes + row * row_bytes);
    png_write_end(png, info);
    return true;
}

}  // namespace

bool is_png(std::string_view bytes) {
    return bytes.starts_with(png_signature);
}

ImageHeader png_header(std::string_view bytes, const std::filesystem::path& path) {
    PngReader reader(bytes);
    return checked_png_header(reader, path);
}

at::Tensor decode_png(std::string_view bytes, const std::filesystem::path& path) {
    PngReader reader(bytes);
    const ImageHeader header = checked_png_header(reader, path);
    if (!prepare_png_pixels(reader)) refuse_png(reader, path);
    const std::size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
    const bool is_wide = png_get_bit_depth(reader.png, reader.info) == 16;
    if (row_bytes != static_cast<std::size_t>(header.width * header.channels * (is_wide ? 2 : 1))) {
        throw FileError(path, "damaged PNG: its rows have another size than its header says");
    }

    // 16-bit levels are read as pairs of bytes and widened, since tensors have no such unsigned type.
    const std::vector<std::int64_t> shape = {header.height, header.width, header.channels};
    at::Tensor levels = at::empty(shape, at::TensorOptions().dtype(is_wide ? at::kShort : at::kByte));
    if (!read_png_pixels(reader, static_cast<unsigned char*>(levels.data_ptr()), row_bytes, header.height)) {
        refuse_png(reader, path);
    }
    return is_wide ? levels.to(at::kInt).bitwise_and_(0xffff) : levels;
}

bool has_png_end(std::string_view bytes) {
    // Chunks: length, name, content, checksum
    for (std::size_t at = png_signature.size(); bytes.size() - at >= 12;) {
        std::uint64_t length = 0;
        for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
        if (length > bytes.size() - at - 12) return false;
        if (bytes.substr(at + 4, 4) == "IEND") return true;
        at += 12 + length;
    }
    return false;
}

void write_png(const std::filesystem::path& path, const at::Tensor& pixels) {
    const at::ScalarType type = pixels.scalar_type();
    const bool is_image = pixels.dim() == 3 && (pixels.size(2) == 1 || pixels.size(2) == 3) && pixels.numel() > 0;
    if (!is_image || (type != at::kByte && type != at::kInt)) {
        throw std::invalid_argument("write_png: pixels are " + operators::shape_of(pixels) + " " + c10::toString(type) +
                                    ", expected [H, W, 1 or 3] uint8, or int32 for 16 bits");
    }
    // The low halves of 0 … 65535, as 16-bit words.
    const at::Tensor dense = (type == at::kInt ? pixels.cpu().to(at::kShort) : pixels.cpu()).contiguous();
    std::string bytes;
    PngStream stream;
    stream.output = &bytes;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &stream, stop_png, ignore_png_warning);
    png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
    bool is_encoded = false;
    if (info != nullptr) {
        png_set_write_fn(png, &stream, write_png_bytes, keep_png_bytes);
        is_encoded = encode_png_pixels(png, info,
                                       {static_cast<const unsigned char*>(dense.const_data_ptr()), dense.size(0),
                                        dense.size(1), dense.size(2), type == at::kInt ? 16 : 8});
    }
    png_destroy_write_struct(&png, &info);
    if (!is_encoded) throw FileError(path, std::string("cannot be encoded as PNG: ") + stream.message);
    commit_bytes(path, bytes);
}

}  // namespace pipeline
