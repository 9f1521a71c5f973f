#include "operators/random.h"

#include <numeric>
#include <utility>
#include <vector>

#include <ATen/ops/ones.h>

#include "operators/inpainting.h"
#include "operators/parameter.h"

namespace operators {

Parameters draw_random(const Settings& settings, const Shape& image, const NoiseStream& noise,
                       std::span<const std::uint64_t> images) {
    const RandomSettings random{settings.real("fraction")};
    const std::int64_t pixels = image.height * image.width;
    const auto removed = static_cast<std::size_t>(static_cast<double>(pixels) * random.fraction);
    const auto rows = static_cast<std::int64_t>(images.size());
    at::Tensor mask = at::ones({rows, 1, image.height, image.width}, at::kFloat);
    float* keep = mask.mutable_data_ptr<float>();

    std::vector<double> u(removed);
    std::vector<std::int64_t> order(static_cast<std::size_t>(pixels));
    for (const std::uint64_t number : images) {
        // The first `removed` places of a shuffle (Fisher and Yates); 32 random bits a place favour none by more than
        // one part in 2³²/(H W).
        noise.uniform({.purpose = Purpose::mask, .image = number}, u);
        std::iota(order.begin(), order.end(), std::int64_t{0});
        for (std::size_t i = 0; i < removed; ++i) {
            const auto chosen = i + static_cast<std::size_t>(u[i] * static_cast<double>(order.size() - i));
            std::swap(order[i], order[chosen]);
            keep[order[i]] = 0;
        }
        keep += pixels;
    }
    return {{"mask", mask}};
}

std::unique_ptr<MeasurementOperator> make_random(const Settings& /*settings*/, const Shape& image,
                                                 const Parameters& parameters) {
    return std::make_unique<Inpainting>("random", required_parameter(parameters, "mask", "random"), image);
}

}  // namespace operators
