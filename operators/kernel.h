#pragma once

#include <array>
#include <memory>

#include "operators/measurement_operator.h"
#include "operators/option.h"

namespace operators {

/// Blur with a kernel of the user's own: parameter "kernel" is read from option `file` and used as it is, neither
/// flipped nor normalised.
inline constexpr std::array<Option, 1> kernel_options{{
    {.name = "file",
     .type = OptionType::path,
     .default_text = "",
     .help = "Text, PNG or HDF5 with the kernel: odd height, odd width, correlated with the image as given."},
}};

std::unique_ptr<MeasurementOperator> make_kernel(const Settings& settings, const Shape& image,
                                                 const Parameters& parameters);

}  // namespace operators
