#pragma once

#include <array>
#include <memory>

#include "operators/measurement_operator.h"
#include "operators/option.h"

namespace operators {

/// Inpainting with a mask of the user's own: parameter "mask" is read from option `file`, one for all images or one
/// each.
inline constexpr std::array<Option, 1> mask_options{{
    {.name = "file",
     .type = OptionType::path,
     .default_text = "",
     .help = "PNG or HDF5 with the mask: 0 is removed, 1 (white) observed; one for all images, or one each by name."},
}};

std::unique_ptr<MeasurementOperator> make_mask(const Settings& settings, const Shape& image,
                                               const Parameters& parameters);

}  // namespace operators
