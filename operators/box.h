#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"
#include "operators/option.h"

namespace operators {

/// Box inpainting: a square is removed from every image, elsewhere for each (`position = random`) or from the middle.
///
/// Chung et al., ICLR 2023 (DPS): 128 of 256 pixels with margin 16, top-left corner uniform in margin … H − size −
/// margin − 1.
struct BoxSettings {
    std::int64_t size = 0;    ///< Side of the square, pixels.
    std::int64_t margin = 0;  ///< Pixels kept on every side; without meaning for a centred box.
    bool is_centred = false;
};

inline constexpr std::array<Option, 3> box_options{{
    {.name = "size",
     .type = OptionType::integer,
     .default_text = "auto",
     .minimum = 1,
     .maximum = 4096,
     .is_axis = true,
     .words = "auto",
     .unit = "pixels",
     .help = "Side of the removed square; auto is half of the image's smaller side.",
     .paper = "Chung et al. 2023, section 4: 128 of 256"},
    {.name = "margin",
     .type = OptionType::integer,
     .default_text = "auto",
     .minimum = 0,
     .maximum = 4096,
     .words = "auto",
     .unit = "pixels",
     .help = "Pixels kept between a random square and the image's border; auto is a sixteenth of the smaller side.",
     .paper = "Chung et al. 2023, code: 16 of 256"},
    {.name = "position",
     .type = OptionType::word,
     .default_text = "random",
     .words = "random|centre",
     .help = "Where the square lies: another place for each image, keyed by the image, or the centre."},
}};

/// @throws std::invalid_argument  where no such square fits the image.
void resolve_box(Settings& settings, const Shape& image);

/// "mask" [N, 1, H, W], 0 inside the square.
Parameters draw_box(const Settings& settings, const Shape& image, const NoiseStream& noise,
                    std::span<const std::uint64_t> images);

std::unique_ptr<MeasurementOperator> make_box(const Settings& settings, const Shape& image,
                                              const Parameters& parameters);

}  // namespace operators
