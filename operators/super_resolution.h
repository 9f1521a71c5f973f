#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "operators/measurement_operator.h"
#include "operators/option.h"

namespace operators {

/// Super-resolution: y is the image made smaller by a whole factor f, [N, C, H/f, W/f].
struct SuperResolutionSettings {
    std::int64_t factor = 4;
    bool is_average = false;  ///< The mean of f × f pixels, instead of bicubic.
};

inline constexpr std::array<Option, 2> super_resolution_options{{
    {.name = "factor",
     .type = OptionType::integer,
     .default_text = "4",
     .minimum = 1,
     .maximum = 256,
     .is_axis = true,
     .help = "By how much the image is made smaller; divides both sides.",
     .paper = "Chung et al. 2023 (DPS), section 4: 4"},
    {.name = "kind",
     .type = OptionType::word,
     .default_text = "bicubic",
     .words = "bicubic|average",
     .help = "bicubic: antialiased cubic, the border mirrored; average: the mean of each block of pixels.",
     .paper = "bicubic: Chung et al. 2023 (DPS); average: Kawar et al. 2022 (DDRM)"},
}};

/// The weights of one axis, [length/factor, length], double.
///
/// bicubic: w ∝ cubic((c − j)/f), c = f i + (f − 1)/2, Keys' cubic with a = −1/2 widened by f (antialiased), each row
/// normalised, the border mirrored with its pixel repeated; as MATLAB's imresize and the DPS reference compute it.
/// average: 1/f on the f pixels of a block.
at::Tensor downscaling_weights(std::int64_t length, const SuperResolutionSettings& settings);

/// A x = V x Wᵀ with the weights of the two axes; A* y = Vᵀ y W.
class SuperResolution final : public LinearOperator {
  public:
    /// @throws std::invalid_argument  where the factor does not divide a side
    SuperResolution(const SuperResolutionSettings& settings, Shape image_shape);

    /// y enlarged, each pixel repeated f × f times.
    at::Tensor as_image(const at::Tensor& y) const override;

  private:
    at::Tensor apply_forward(const at::Tensor& x) const override;
    at::Tensor apply_adjoint(const at::Tensor& y) const override;

    std::int64_t factor_;
    /// V and W in double, in float32, and in float32 on the device of the images, where they are brought once.
    struct Weights {
        at::Tensor vertical, horizontal;
    };
    const Weights& weights_for(const at::Tensor& images) const;

    Weights double_, float_;
    mutable Weights on_device_;
};

/// @throws std::invalid_argument  where the factor does not divide a side.
void resolve_super_resolution(Settings& settings, const Shape& image);

std::unique_ptr<MeasurementOperator> make_super_resolution(const Settings& settings, const Shape& image,
                                                           const Parameters& parameters);

}  // namespace operators
