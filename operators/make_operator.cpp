#include "operators/make_operator.h"

#include <array>
#include <stdexcept>
#include <string>

#include "operators/box.h"
#include "operators/colourisation.h"
#include "operators/gaussian_blur.h"
#include "operators/identity.h"
#include "operators/kernel.h"
#include "operators/mask.h"
#include "operators/motion_blur.h"
#include "operators/random.h"
#include "operators/super_resolution.h"

namespace operators {
namespace {

constexpr std::array<OperatorEntry, 9> entries{{
    {.name = "identity",
     .summary = "Denoising: y = x + σ z.",
     .paper = "",
     .options = {},
     .resolve = nullptr,
     .draw = nullptr,
     .file_parameter = "",
     .make = make_identity},
    {.name = "box",
     .summary = "Box inpainting: y = m ⊙ x + σ z, m = 0 in a square.",
     .paper = "Chung et al., ICLR 2023, arXiv:2209.14687",
     .options = box_options,
     .resolve = resolve_box,
     .draw = draw_box,
     .file_parameter = "",
     .make = make_box,
     .is_random = true},
    {.name = "random",
     .summary = "Random inpainting: y = m ⊙ x + σ z, m = 0 at pixels chosen at random.",
     .paper = "Chung et al., ICLR 2023, arXiv:2209.14687",
     .options = random_options,
     .resolve = nullptr,
     .draw = draw_random,
     .file_parameter = "",
     .make = make_random,
     .is_random = true},
    {.name = "mask",
     .summary = "Inpainting with a mask from a file: y = m ⊙ x + σ z.",
     .paper = "",
     .options = mask_options,
     .resolve = nullptr,
     .draw = nullptr,
     .file_parameter = "mask",
     .make = make_mask},
    {.name = "gaussian_blur",
     .summary = "Gaussian deblurring: y = k ⋆ x + σ z, the border mirrored, k a Gaussian.",
     .paper = "Chung et al., ICLR 2023, arXiv:2209.14687",
     .options = gaussian_blur_options,
     .resolve = resolve_gaussian_blur,
     .draw = draw_gaussian_blur,
     .file_parameter = "",
     .make = make_gaussian_blur},
    {.name = "kernel",
     .summary = "Deblurring with a kernel from a file: y = k ⋆ x + σ z, the border mirrored, k not flipped.",
     .paper = "",
     .options = kernel_options,
     .resolve = nullptr,
     .draw = nullptr,
     .file_parameter = "kernel",
     .make = make_kernel},
    {.name = "motion_blur",
     .summary = "Motion deblurring: y = k ⋆ x + σ z, the border mirrored, k a camera's path, another for each image.",
     .paper = "Chung et al., ICLR 2023, arXiv:2209.14687",
     .options = motion_blur_options,
     .resolve = resolve_motion_blur,
     .draw = draw_motion_blur,
     .file_parameter = "",
     .make = make_motion_blur,
     .is_random = true},
    {.name = "super_resolution",
     .summary = "Super-resolution: y = x made smaller + σ z, bicubic or by the mean of blocks.",
     .paper = "Chung et al., ICLR 2023, arXiv:2209.14687; Kawar et al. 2022, arXiv:2201.11793",
     .options = super_resolution_options,
     .resolve = resolve_super_resolution,
     .draw = nullptr,
     .file_parameter = "",
     .make = make_super_resolution,
     .enlargement = [](const Settings& settings) { return settings.integer("factor"); }},
    {.name = "colourisation",
     .summary = "Colourisation: y = the mean of the channels + σ z.",
     .paper = "Wang et al., ICLR 2023 (DDNM), arXiv:2212.00490",
     .options = {},
     .resolve = resolve_colourisation,
     .draw = nullptr,
     .file_parameter = "",
     .make = make_colourisation},
}};

}  // namespace

std::span<const OperatorEntry> operator_table() {
    return entries;
}

const OperatorEntry& find_operator(std::string_view name) {
    std::string known;
    for (const OperatorEntry& entry : entries) {
        if (entry.name == name) return entry;
        known += (known.empty() ? "" : ", ");
        known += entry.name;
    }
    throw std::invalid_argument("operator '" + std::string(name) + "' is unknown, expected one of " + known);
}

}  // namespace operators
