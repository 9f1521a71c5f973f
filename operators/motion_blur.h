#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"
#include "operators/option.h"

namespace operators {

/// Motion deblurring: every image is blurred by a kernel of its own, the path of a shaken camera (Chung et al., ICLR
/// 2023, DPS: 61 pixels, intensity 0.5).
///
/// The published kernels come from an unseeded generator (LeviBorodenko/motionblur) that no other program can follow
/// bit by bit. Here the path has the same statistics and is keyed by the image: with d the diagonal of a canvas of
/// twice the size and I the intensity, its length is 0.75 d (U(0,1) + U(0, I²)), its steps (1.1 − I) d · Beta(1, 30),
/// the heading of each triangular on [0, a] with mode I a, a ~ U(0, I π), its side changed with a probability drawn
/// once from Beta(2, 20); then it is turned by U(0, π), centred, drawn at half size with bilinear weights by its
/// length, and normalised.
struct MotionBlurSettings {
    std::int64_t size = 61;  ///< Side of the kernel, pixels, odd.
    double intensity = 0.5;  ///< 0: nearly a line; 1: much shaken.
};

inline constexpr std::array<Option, 2> motion_blur_options{{
    {.name = "size",
     .type = OptionType::integer,
     .default_text = "auto",
     .minimum = 3,
     .maximum = 1023,
     .words = "auto",
     .unit = "pixels",
     .help = "Side of the kernel, odd; auto is 61, or the largest that the mirrored image allows.",
     .paper = "Chung et al. 2023, section 4: 61"},
    {.name = "intensity",
     .type = OptionType::real,
     .default_text = "0.5",
     .minimum = 0,
     .maximum = 1,
     .is_axis = true,
     .help = "How much the camera shakes: 0 is nearly a straight line.",
     .paper = "Chung et al. 2023, section 4: 0.5"},
}};

/// @throws std::invalid_argument  where size is even or too large for the image.
void resolve_motion_blur(Settings& settings, const Shape& image);

/// "kernel" [N, 1, size, size], float32, each of sum 1.
Parameters draw_motion_blur(const Settings& settings, const Shape& image, const NoiseStream& noise,
                            std::span<const std::uint64_t> images);

std::unique_ptr<MeasurementOperator> make_motion_blur(const Settings& settings, const Shape& image,
                                                      const Parameters& parameters);

}  // namespace operators
