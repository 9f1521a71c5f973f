#include "jobs/report/picture_bytes.h"

#include <png.h>

#include <cstdint>
#include <stdexcept>

namespace jobs {

std::string png_bytes(const at::Tensor& pixels) {
    const bool is_picture = pixels.dim() == 3 && (pixels.size(2) == 1 || pixels.size(2) == 3) &&
                            pixels.scalar_type() == at::kByte && pixels.numel() > 0;
    if (!is_picture) throw std::invalid_argument("png_bytes: pixels are not [y, x, 1 or 3] uint8");
    const at::Tensor dense = pixels.contiguous();
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.height = static_cast<png_uint_32>(dense.size(0));
    image.width = static_cast<png_uint_32>(dense.size(1));
    image.format = dense.size(2) == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
    png_alloc_size_t size = bytes.size();
    if (png_image_write_to_memory(&image, bytes.data(), &size, 0, dense.const_data_ptr(), 0, nullptr) == 0) {
        throw std::runtime_error(std::string("a picture cannot be encoded as PNG: ") + image.message);
    }
    bytes.resize(size);
    return bytes;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = i; j < i + 3; ++j) {
            group = group << 8 | (j < bytes.size() ? static_cast<unsigned char>(bytes[j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            text += i + j > bytes.size() ? '=' : digits[group >> (18 - 6 * j) & 63];
        }
    }
    return text;
}

}  // namespace jobs
