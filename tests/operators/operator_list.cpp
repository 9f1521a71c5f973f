#include "tests/operators/operator_list.h"

#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include "operators/make_operator.h"

namespace test_operators {
namespace {

std::vector<std::uint64_t> first_images(std::int64_t count) {
    std::vector<std::uint64_t> images(static_cast<std::size_t>(count));
    std::iota(images.begin(), images.end(), std::uint64_t{0});
    return images;
}

std::shared_ptr<const operators::MeasurementOperator> made(const std::string& name, const operators::Shape& image,
                                                           const operators::Parameters& parameters) {
    const operators::OperatorEntry& entry = operators::find_operator(name);
    return entry.make(operators::Settings::defaults(entry.options), image, parameters);
}

// A mask that no symmetry leaves as it is.
at::Tensor uneven_mask(std::int64_t rows, const operators::Shape& image) {
    const at::Tensor mask = values({1, image.height, image.width}, 77, rows) > 0.3;
    return mask.to(at::kFloat);
}

// Taps of both signs that are neither symmetric nor a product.
at::Tensor uneven_kernel(std::int64_t height, std::int64_t width) {
    return values({1, height, width}, 55, 1).reshape({height, width});
}

}  // namespace

at::Tensor values(const operators::Shape& shape, std::uint64_t seed, std::int64_t rows) {
    const operators::NoiseStream noise(seed);
    return noise.normal({.purpose = operators::Purpose::start}, first_images(rows), shape).to(at::kDouble);
}

std::shared_ptr<const operators::MeasurementOperator> drawn(
    const std::string& name, const operators::Shape& image,
    const std::vector<std::pair<std::string, std::string>>& changes) {
    const operators::OperatorEntry& entry = operators::find_operator(name);
    operators::Settings settings = operators::Settings::defaults(entry.options);
    for (const auto& [option_name, text] : changes) {
        for (const operators::Option& option : entry.options) {
            if (option.name == option_name) settings.set(option_name, operators::parse_value(option, text));
        }
    }
    if (entry.resolve != nullptr) entry.resolve(settings, image);
    operators::Parameters parameters;
    if (entry.draw != nullptr) {
        parameters = entry.draw(settings, image, operators::NoiseStream(3), first_images(batch));
    }
    return entry.make(settings, image, parameters);
}

std::vector<ListedOperator> all_operators() {
    const operators::Shape square{3, 16, 16};
    const operators::Shape oblong{3, 12, 18};
    const operators::Shape grey{1, 9, 7};
    at::Tensor framed = at::zeros({9, 9}, at::kDouble);  // a small kernel in a wide frame of zeros, off its centre
    framed.narrow(0, 2, 4).narrow(1, 4, 3).copy_(uneven_kernel(4, 3));
    const at::Tensor column = uneven_kernel(5, 1);
    const at::Tensor row = uneven_kernel(1, 7);
    return {
        {"identity", "identity", drawn("identity", square)},
        {"identity_oblong", "identity", drawn("identity", oblong)},
        {"box", "box", drawn("box", square)},
        {"box_oblong", "box", drawn("box", oblong, {{"size", "5"}, {"margin", "2"}})},
        {"box_centre", "box", drawn("box", oblong, {{"position", "centre"}})},
        {"random", "random", drawn("random", square, {{"fraction", "0.5"}})},
        {"random_oblong", "random", drawn("random", oblong)},
        {"mask", "mask", made("mask", square, {{"mask", uneven_mask(1, square)}})},
        {"mask_per_image", "mask", made("mask", oblong, {{"mask", uneven_mask(batch, oblong)}})},
        {"mask_bool", "mask", made("mask", grey, {{"mask", uneven_mask(1, grey).to(at::kBool)}})},
        {"gaussian_blur", "gaussian_blur", drawn("gaussian_blur", square)},
        {"gaussian_blur_oblong", "gaussian_blur", drawn("gaussian_blur", oblong, {{"size", "9"}, {"std", "1.5"}})},
        {"gaussian_blur_whole_mirror", "gaussian_blur", drawn("gaussian_blur", grey, {{"size", "13"}, {"std", "6"}})},
        {"kernel_uneven", "kernel", made("kernel", square, {{"kernel", uneven_kernel(5, 5)}})},
        {"kernel_uneven_oblong", "kernel", made("kernel", oblong, {{"kernel", uneven_kernel(3, 7)}})},
        {"kernel_whole_mirror", "kernel", made("kernel", grey, {{"kernel", uneven_kernel(17, 13)}})},
        {"kernel_framed", "kernel", made("kernel", square, {{"kernel", framed}})},
        {"kernel_product", "kernel", made("kernel", oblong, {{"kernel", column * row}})},
        {"kernel_each", "kernel", made("kernel", oblong, {{"kernel", values({1, 5, 7}, 9, batch)}})},
        {"motion_blur", "motion_blur", drawn("motion_blur", square)},
        {"motion_blur_oblong", "motion_blur", drawn("motion_blur", oblong, {{"size", "9"}, {"intensity", "1"}})},
        {"super_resolution", "super_resolution", drawn("super_resolution", square)},
        {"super_resolution_oblong", "super_resolution", drawn("super_resolution", oblong, {{"factor", "3"}})},
        {"super_resolution_average", "super_resolution",
         drawn("super_resolution", oblong, {{"factor", "2"}, {"kind", "average"}})},
        {"super_resolution_one_pixel", "super_resolution", drawn("super_resolution", square, {{"factor", "16"}})},
        {"colourisation", "colourisation", drawn("colourisation", oblong)},
        {"kernel_one", "kernel", made("kernel", grey, {{"kernel", uneven_kernel(1, 1)}})},
    };
}

}  // namespace test_operators
