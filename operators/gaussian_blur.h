#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "operators/measurement_operator.h"
#include "operators/noise_stream.h"
#include "operators/option.h"

namespace operators {

/// Gaussian deblurring. Chung et al., ICLR 2023 (DPS): 61 taps, standard deviation 3 of 256 pixels.
struct GaussianBlurSettings {
    std::int64_t size = 0;  ///< Taps of the kernel along one axis, odd.
    double std = 0;         ///< Standard deviation, pixels.
};

inline constexpr std::array<Option, 2> gaussian_blur_options{{
    {.name = "size",
     .type = OptionType::integer,
     .default_text = "auto",
     .minimum = 1,
     .maximum = 8191,
     .words = "auto",
     .unit = "pixels",
     .help = "Taps of the kernel along one axis, odd; auto is 61, or the largest that the mirrored image allows.",
     .paper = "Chung et al. 2023, section 4: 61"},
    {.name = "std",
     .type = OptionType::real,
     .default_text = "3.0",
     .minimum = above_zero,
     .maximum = 1000,
     .is_axis = true,
     .unit = "pixels",
     .help = "Standard deviation of the Gaussian, cut off at four of them.",
     .paper = "Chung et al. 2023, section 4: 3.0"},
}};

/// The kernel [size, size], float32: what a Gaussian filter, cut off at ⌊4 std + ½⌋ taps on each side and normalised
/// there, makes of a 1 in the middle of a size × size frame whose border is mirrored with the border pixel repeated.
/// (The reference code asks SciPy's `gaussian_filter` for it in this way, so a frame too small for the Gaussian folds
/// its ends back.)
at::Tensor gaussian_kernel(std::int64_t size, double std);

/// @throws std::invalid_argument  where size is even or too large for the image.
void resolve_gaussian_blur(Settings& settings, const Shape& image);

/// "kernel" [size, size]. Nothing about it is random.
Parameters draw_gaussian_blur(const Settings& settings, const Shape& image, const NoiseStream& noise,
                              std::span<const std::uint64_t> images);

std::unique_ptr<MeasurementOperator> make_gaussian_blur(const Settings& settings, const Shape& image,
                                                        const Parameters& parameters);

}  // namespace operators
