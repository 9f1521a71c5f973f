#include "pipeline/data/kernel_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/hdf5_location.h"
#include "pipeline/data/image_codec.h"
#include "pipeline/data/image_file.h"
#include "pipeline/data/read_bytes.h"

namespace pipeline {

namespace {

/// The numbers of one line, which may be none.
std::vector<double> parse_kernel_line(std::string_view line, std::size_t number, const std::filesystem::path& path) {
    constexpr std::string_view separators = " \t\r,;";
    std::vector<double> values;
    line = line.substr(0, line.find('#'));
    for (std::size_t at = line.find_first_not_of(separators); at != std::string_view::npos;) {
        const std::size_t end = std::min(line.find_first_of(separators, at), line.size());
        std::string_view word = line.substr(at, end - at);
        if (word.starts_with('+')) word.remove_prefix(1);
        double value = 0;
        const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (error != std::errc() || stop != word.data() + word.size() || !std::isfinite(value)) {
            throw FileError(path,
                            "line " + std::to_string(number) + ": '" + std::string(word.substr(0, 40)) +
                                "' is not a finite number; a kernel is a PNG, FILE.h5:NAME, or a text file with a "
                                "row of numbers a line");
        }
        values.push_back(value);
        at = line.find_first_not_of(separators, end);
    }
    return values;
}

at::Tensor parse_kernel(std::string_view text, const std::filesystem::path& path) {
    std::vector<float> values;
    std::int64_t rows = 0;
    std::size_t columns = 0;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::vector<double> line = parse_kernel_line(text.substr(0, end), number, path);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) continue;
        if (rows == 0) columns = line.size();
        if (line.size() != columns) {
            throw FileError(path, "line " + std::to_string(number) + " has " + std::to_string(line.size()) +
                                      " numbers, the lines before it " + std::to_string(columns));
        }
        for (const double value : line) values.push_back(static_cast<float>(value));
        ++rows;
    }
    at::Tensor kernel = at::empty({rows, static_cast<std::int64_t>(columns)}, at::TensorOptions().dtype(at::kFloat));
    std::copy(values.begin(), values.end(), kernel.data_ptr<float>());
    return kernel;
}

at::Tensor png_kernel(std::string_view bytes, const std::filesystem::path& path) {
    const at::Tensor image = decode_image(bytes, path);
    if (!(image == image[0]).all().item<bool>()) throw FileError(path, "the kernel is coloured; wanted is a grey PNG");
    // Back to whole levels (on the scale of 16 bits, which holds those of 8 bits), without the rounding of [−1, 1].
    const at::Tensor levels = image[0].to(at::kDouble).add_(1).mul_(32767.5).round_();
    const at::Tensor sum = levels.sum();
    if (sum.item<double>() == 0) throw FileError(path, "the kernel is black: its levels sum to 0");
    return (levels / sum).to(at::kFloat);
}

at::Tensor hdf5_kernel(const Hdf5Location& location) {
    const Hdf5File file = Hdf5File::open(location.file);
    const std::vector<std::int64_t> shape = file.shape(location.name);
    if (shape.size() != 2 || shape[0] > kernel_side_limit || shape[1] > kernel_side_limit) {
        throw FileError(location.file, "'" + location.name + "' is no kernel: wanted are two axes of up to " +
                                           std::to_string(kernel_side_limit) + " entries");
    }
    return file.read(location.name).to(at::kFloat);
}

at::Tensor read_any_kernel(const std::string& file) {
    if (const auto location = split_hdf5_location(file)) {
        return as_file_error(location->file, [&] { return hdf5_kernel(*location); });
    }
    if (is_hdf5_file(file))
        throw FileError(file, "which of its datasets? Write FILE.h5:NAME; it holds " + list_hdf5_datasets(file));
    const std::string bytes = read_bytes(file);
    if (is_jpeg(bytes)) throw FileError(file, "is a JPEG, which changes values; wanted is a PNG, FILE.h5:NAME or text");
    return is_png(bytes) ? png_kernel(bytes, file) : parse_kernel(bytes, file);
}

}  // namespace

at::Tensor read_kernel(const std::string& file) {
    const at::Tensor kernel = read_any_kernel(file);
    if (kernel.numel() == 0) throw FileError(file, "the kernel is empty");
    if (kernel.size(0) > kernel_side_limit || kernel.size(1) > kernel_side_limit) {
        throw FileError(file, "the kernel has " + std::to_string(kernel.size(0)) + "x" +
                                  std::to_string(kernel.size(1)) + " entries, allowed are " +
                                  std::to_string(kernel_side_limit) + " a side");
    }
    if (!at::isfinite(kernel).all().item<bool>()) throw FileError(file, "the kernel holds values that are not finite");
    return kernel;
}

}  // namespace pipeline
