#include "pipeline/data/parameter_file.h"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/hdf5_location.h"
#include "pipeline/data/kernel_file.h"
#include "pipeline/data/mask_file.h"
#include "pipeline/data/named_file.h"

namespace pipeline {

operators::Parameters read_parameters(std::string_view parameter, const std::string& file,
                                      const operators::Shape& image, std::span<const std::string> image_names) {
    if (parameter == "mask") return {{"mask", read_mask(file, image, image_names)}};
    if (parameter == "kernel") return {{"kernel", read_kernels(file, image_names)}};
    throw std::invalid_argument("read_parameters: '" + std::string(parameter) +
                                "' is not read from files; allowed are mask and kernel");
}

void find_parameters(std::string_view parameter, const std::string& file, std::span<const std::string> image_names) {
    const std::string what(parameter);
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) {
        for (const std::string& name : image_names) {
            named_file(file, name, what == "mask" ? mask_endings : kernel_endings, what);
        }
    } else if (const auto location = split_hdf5_location(file)) {
        as_file_error(location->file, [&] {
            const Hdf5File stored = Hdf5File::open(location->file);
            const std::vector<std::int64_t> shape = stored.shape(location->name);
            const bool is_each_its_own = shape.size() == 3 || (shape.size() == 4 && shape.front() > 1);
            if (is_each_its_own) named_rows(stored, *location, shape.front(), image_names, what);
        });
    }
}

}  // namespace pipeline
