#include "pipeline/data/kernel_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/stack.h>

#include "pipeline/data/file_error.h"
#include "pipeline/data/folder_walk.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/hdf5_location.h"
#include "pipeline/data/image_codec.h"
#include "pipeline/data/image_file.h"
#include "pipeline/data/named_file.h"
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

at::Tensor checked_kernel(const at::Tensor& kernel, const std::string& file) {
    if (kernel.numel() == 0) throw FileError(file, "the kernel is empty");
    if (kernel.size(0) > kernel_side_limit || kernel.size(1) > kernel_side_limit) {
        throw FileError(file, "the kernel has " + std::to_string(kernel.size(0)) + "x" +
                                  std::to_string(kernel.size(1)) + " entries, allowed are " +
                                  std::to_string(kernel_side_limit) + " a side");
    }
    if (!at::isfinite(kernel).all().item<bool>()) throw FileError(file, "the kernel holds values that are not finite");
    return kernel;
}

/// Odd sides: only such a kernel has a middle.
void check_odd(const at::Tensor& kernel, const std::filesystem::path& path) {
    if (kernel.size(0) % 2 == 1 && kernel.size(1) % 2 == 1) return;
    throw FileError(path, "the kernel has " + std::to_string(kernel.size(0)) + "x" + std::to_string(kernel.size(1)) +
                              " entries, expected odd sides");
}

/// The largest kernel of a folder: [height, width]. What a kernel is padded to must not depend on the images beside it.
std::pair<std::int64_t, std::int64_t> largest_kernel(const std::filesystem::path& folder) {
    std::int64_t height = 1, width = 1;
    const auto is_kernel_name = [](const std::string& name) {
        return name.ends_with(".txt") || name.ends_with(".png");
    };
    for (const std::string& name : files_below(folder, is_kernel_name)) {
        try {
            const at::Tensor kernel = read_any_kernel((folder / name).string());
            height = std::max(height, kernel.size(0));
            width = std::max(width, kernel.size(1));
        } catch (const FileError&) {
            // A README beside the kernels is no kernel; where an image needs it, it is refused there.
        }
    }
    return {height, width};
}

/// Zeros around it, the middle stays the middle.
at::Tensor padded_kernel(const at::Tensor& kernel, std::int64_t height, std::int64_t width) {
    const std::int64_t rows = (height - kernel.size(0)) / 2, columns = (width - kernel.size(1)) / 2;
    return at::constant_pad_nd(kernel, {columns, columns, rows, rows});
}

at::Tensor folder_kernels(const std::string& folder, std::span<const std::string> image_names) {
    static std::mutex mutex;
    static std::map<std::string, std::pair<std::int64_t, std::int64_t>> sizes;
    std::pair<std::int64_t, std::int64_t> size;
    {
        // Read once a process: a folder may hold a kernel for each of many images.
        const std::lock_guard lock(mutex);
        const auto known = sizes.find(folder);
        size = known != sizes.end() ? known->second : sizes[folder] = largest_kernel(folder);
    }
    std::vector<at::Tensor> kernels;
    for (const std::string& name : image_names) {
        const std::filesystem::path path = named_file(folder, name, kernel_endings, "kernel");
        const at::Tensor kernel = checked_kernel(read_any_kernel(path.string()), path.string());
        check_odd(kernel, path);
        if (kernel.size(0) > size.first || kernel.size(1) > size.second) {
            throw FileError(path, "is larger than every kernel that its folder held when it was listed");
        }
        kernels.push_back(padded_kernel(kernel, size.first, size.second).unsqueeze(0));
    }
    if (kernels.empty()) throw FileError(folder, "no image to read a kernel for");
    return at::stack(kernels);
}

/// [K, kh, kw] or, as measurement files keep them, [K, 1, kh, kw].
at::Tensor hdf5_kernels(const Hdf5Location& location, std::span<const std::string> image_names) {
    const Hdf5File file = Hdf5File::open(location.file);
    const std::vector<std::int64_t> shape = file.shape(location.name);
    std::vector<at::Tensor> kernels;
    for (const std::int64_t row : named_rows(file, location, shape.front(), image_names, "kernel")) {
        at::Tensor kernel = file.read_rows(location.name, row, 1)[0].to(at::kFloat);
        if (kernel.dim() == 3) kernel = kernel[0];
        checked_kernel(kernel, location.file);
        check_odd(kernel, location.file);
        kernels.push_back(kernel.unsqueeze(0));
    }
    return at::stack(kernels);
}

bool holds_kernels(const Hdf5Location& location) {
    const std::vector<std::int64_t> shape = Hdf5File::open(location.file).shape(location.name);
    return shape.size() == 3 || (shape.size() == 4 && shape[1] == 1);
}

}  // namespace

at::Tensor read_kernels(const std::string& file, std::span<const std::string> image_names) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) return folder_kernels(file, image_names);
    if (const auto location = split_hdf5_location(file)) {
        const bool is_stack = as_file_error(location->file, [&] { return holds_kernels(*location); });
        if (is_stack) return as_file_error(location->file, [&] { return hdf5_kernels(*location, image_names); });
    }
    return read_kernel(file);
}

at::Tensor read_kernel(const std::string& file) {
    return checked_kernel(read_any_kernel(file), file);
}

}  // namespace pipeline
