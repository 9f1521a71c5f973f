#include "make_images.h"

#include <cstddef>
#include <cstdio>

#include <jpeglib.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

namespace test_images {

namespace {

std::string big_endian(std::uint32_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 255);
    return text;
}

std::string chunk(const std::string& name, const std::string& content) {
    const std::string body = name + content;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    return big_endian(static_cast<std::uint32_t>(content.size())) + body + big_endian(static_cast<std::uint32_t>(crc));
}

}  // namespace

std::string Png::bytes() const {
    const int samples[] = {1, 0, 3, 1, 2, 0, 4};
    const std::size_t row_bytes = (std::size_t{width} * static_cast<std::size_t>(samples[colour] * bit_depth) + 7) / 8;
    std::string raw;
    for (std::size_t row = 0; row_bytes > 0 && row * row_bytes < rows.size(); ++row) {
        raw += '\0' + rows.substr(row * row_bytes, row_bytes);
    }
    std::string packed(compressBound(raw.size()), '\0');
    uLongf size = packed.size();
    compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(raw.data()), raw.size());
    packed.resize(size);

    std::string header = big_endian(width) + big_endian(height);
    header += static_cast<char>(bit_depth);
    header += static_cast<char>(colour);
    header += std::string(3, '\0');
    std::string file = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header);
    if (!palette.empty()) file += chunk("PLTE", palette);
    if (!transparency.empty()) file += chunk("tRNS", transparency);
    file += chunk("IDAT", packed);
    return has_end ? file + chunk("IEND", "") : file;
}

std::string make_jpeg(int width, int height, JpegColour colour, const std::vector<unsigned char>& samples,
                      bool is_progressive) {
    jpeg_compress_struct encoder{};
    jpeg_error_mgr errors{};
    encoder.err = jpeg_std_error(&errors);
    jpeg_create_compress(&encoder);
    unsigned char* memory = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&encoder, &memory, &size);
    encoder.image_width = static_cast<JDIMENSION>(width);
    encoder.image_height = static_cast<JDIMENSION>(height);
    encoder.input_components = colour == JpegColour::grey ? 1 : colour == JpegColour::ycbcr ? 3 : 4;
    encoder.in_color_space = colour == JpegColour::grey    ? JCS_GRAYSCALE
                             : colour == JpegColour::ycbcr ? JCS_RGB
                                                           : JCS_CMYK;
    jpeg_set_defaults(&encoder);
    jpeg_set_quality(&encoder, 95, TRUE);
    encoder.comp_info[0].h_samp_factor = encoder.comp_info[0].v_samp_factor = 1;
    if (is_progressive) jpeg_simple_progression(&encoder);
    jpeg_start_compress(&encoder, TRUE);
    while (encoder.next_scanline < encoder.image_height) {
        auto* row =
            const_cast<unsigned char*>(samples.data()) + static_cast<std::size_t>(encoder.next_scanline) *
                                                             static_cast<std::size_t>(width * encoder.input_components);
        jpeg_write_scanlines(&encoder, &row, 1);
    }
    jpeg_finish_compress(&encoder);
    const std::string bytes(reinterpret_cast<const char*>(memory), size);
    jpeg_destroy_compress(&encoder);
    std::free(memory);
    return bytes;
}

std::vector<unsigned char> smooth_samples(int width, int height, int channels) {
    std::vector<unsigned char> samples;
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            for (int c = 0; c < channels; ++c) {
                samples.push_back(static_cast<unsigned char>(127.5 + 100 * std::sin(0.1 * x + 0.13 * y + c)));
            }
        }
    }
    return samples;
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace test_images
