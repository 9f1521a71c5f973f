#include "pipeline/data/parameter_file.h"

#include <stdexcept>
#include <string>

#include "pipeline/data/kernel_file.h"
#include "pipeline/data/mask_file.h"

namespace pipeline {

operators::Parameters read_parameters(std::string_view parameter, const std::string& file,
                                      const operators::Shape& image, std::span<const std::string> image_names) {
    if (parameter == "mask") return {{"mask", read_mask(file, image, image_names)}};
    if (parameter == "kernel") return {{"kernel", read_kernels(file, image_names)}};
    throw std::invalid_argument("read_parameters: '" + std::string(parameter) +
                                "' is not read from files; allowed are mask and kernel");
}

}  // namespace pipeline
