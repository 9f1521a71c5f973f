#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace test_images {

/// A PNG written chunk by chunk, whatever it claims.
struct Png {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    int bit_depth = 8;
    int colour = 2;            ///< 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGB + alpha
    std::string rows;          ///< Packed samples, all rows; filter bytes are added here
    std::string palette = {};  ///< Triples
    std::string transparency = {};
    bool has_end = true;
    std::string bytes() const;
};

enum class JpegColour { grey, ycbcr, cmyk };

/// A JPEG at quality 95 without chroma subsampling; samples interleaved, 1, 3 or 4 a pixel.
std::string make_jpeg(int width, int height, JpegColour colour, const std::vector<unsigned char>& samples,
                      bool is_progressive = false);

/// A smooth colour image, 3 samples a pixel.
std::vector<unsigned char> smooth_samples(int width, int height, int channels);

void write_bytes(const std::filesystem::path& path, const std::string& bytes);

}  // namespace test_images
