#include "pipeline/data/mask_file.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/hdf5_location.h"
#include "pipeline/data/image_codec.h"
#include "pipeline/data/image_file.h"
#include "pipeline/data/named_file.h"
#include "pipeline/data/read_bytes.h"

namespace pipeline {

namespace {

/// A mask that has the image's size and observes something.
at::Tensor checked_mask(const at::Tensor& is_observed, const operators::Shape& image,
                        const std::filesystem::path& path) {
    if (is_observed.size(0) != image.height || is_observed.size(1) != image.width) {
        throw FileError(path, "the mask has " + std::to_string(is_observed.size(0)) + "x" +
                                  std::to_string(is_observed.size(1)) + " pixels (height x width), the images " +
                                  std::to_string(image.height) + "x" + std::to_string(image.width) +
                                  "; masks are not resized");
    }
    if (!is_observed.any().item<bool>()) throw FileError(path, "the mask observes no pixel");
    return is_observed.to(at::kFloat).unsqueeze(0);
}

at::Tensor read_png_mask(const std::filesystem::path& path, const operators::Shape& image) {
    const std::string bytes = read_bytes(path);
    if (!is_png(bytes)) throw FileError(path, "a mask is a PNG, or FILE.h5:NAME");
    const at::Tensor levels = decode_image(bytes, path);
    if (!(levels == levels[0]).all().item<bool>()) throw FileError(path, "the mask is coloured; wanted is a grey PNG");
    return checked_mask(levels[0] > 0, image, path);  // 128 of 255 is the first level above 0 on [−1, 1]
}

at::Tensor hdf5_mask_levels(const at::Tensor& values, const operators::Shape& image, const Hdf5Location& location) {
    const at::Tensor is_observed = values != 0;
    const bool is_binary = ((values == 1) | ~is_observed).all().item<bool>() ||
                           (values.scalar_type() == at::kByte && ((values == 255) | ~is_observed).all().item<bool>());
    if (!is_binary) {
        throw FileError(location.file, "'" + location.name + "' holds other values than 0 (removed) and 1 (observed)");
    }
    return checked_mask(is_observed, image, location.file);
}

at::Tensor read_hdf5_mask(const Hdf5Location& location, const operators::Shape& image,
                          std::span<const std::string> image_names) {
    const Hdf5File file = Hdf5File::open(location.file);
    const std::vector<std::int64_t> shape = file.shape(location.name);
    if (shape.size() == 2) return hdf5_mask_levels(file.read(location.name), image, location).unsqueeze(0);
    // [K, 1, H, W] is how measurement files keep masks.
    if (shape.size() != 3 && !(shape.size() == 4 && shape[1] == 1)) {
        throw FileError(location.file, "'" + location.name + "' has " + std::to_string(shape.size()) +
                                           " axes; masks are [H, W], or [K, H, W] with one per image");
    }
    if (shape.size() == 4 && shape[0] == 1) {
        return hdf5_mask_levels(file.read(location.name)[0][0], image, location).unsqueeze(0);
    }
    std::vector<at::Tensor> masks;
    for (const std::int64_t row : named_rows(file, location, shape.front(), image_names, "mask")) {
        const at::Tensor values = file.read_rows(location.name, row, 1)[0];
        masks.push_back(hdf5_mask_levels(shape.size() == 4 ? values[0] : values, image, location));
    }
    return at::stack(masks);
}

}  // namespace

at::Tensor read_mask(const std::string& file, const operators::Shape& image, std::span<const std::string> image_names) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        std::vector<at::Tensor> masks;
        for (const std::string& name : image_names) {
            masks.push_back(read_png_mask(named_file(file, name, mask_endings, "mask"), image));
        }
        if (masks.empty()) throw FileError(file, "no image to read a mask for");
        return at::stack(masks);
    }
    if (const auto location = split_hdf5_location(file)) {
        return as_file_error(location->file, [&] { return read_hdf5_mask(*location, image, image_names); });
    }
    if (is_hdf5_file(file))
        throw FileError(file, "which of its datasets? Write FILE.h5:NAME; it holds " + list_hdf5_datasets(file));
    return read_png_mask(file, image).unsqueeze(0);
}

}  // namespace pipeline
