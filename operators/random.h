#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"
#include "operators/option.h"

namespace operators {

/// Random inpainting: ⌊H W fraction⌋ pixels of every image are removed, others for each, all channels of a pixel
/// together.
///
/// Chung et al., ICLR 2023 (DPS): 92 % removed.
struct RandomSettings {
    double fraction = 0;  ///< Share of pixels REMOVED, in [0, 1).
};

inline constexpr std::array<Option, 1> random_options{{
    {.name = "fraction",
     .type = OptionType::real,
     .default_text = "0.92",
     .minimum = 0,
     .maximum = below_one,
     .is_axis = true,
     .help = "Share of the pixels that are removed, all channels of a pixel together.",
     .paper = "Chung et al. 2023, section 4: 0.92"},
}};

/// "mask" [N, 1, H, W], 0 where a pixel is removed.
Parameters draw_random(const Settings& settings, const Shape& image, const NoiseStream& noise,
                       std::span<const std::uint64_t> images);

std::unique_ptr<MeasurementOperator> make_random(const Settings& settings, const Shape& image,
                                                 const Parameters& parameters);

}  // namespace operators
