#include "operators/noise_stream.h"

#include <stdexcept>
#include <string>

#include <ATen/ops/empty.h>

#include "operators/kernels/fill_normals.h"
#include "operators/kernels/philox.h"

namespace operators {
namespace {

PhiloxKey field_key(std::uint64_t seed, const NoiseKey& key) {
    return derive_key(seed, static_cast<std::uint32_t>(key.purpose), key.image, key.sample);
}

}  // namespace

void NoiseStream::normal(const NoiseKey& key, std::span<float> out) const {
    fill_normals(field_key(seed_, key), key.level, key.inner, out);
}

void NoiseStream::uniform(const NoiseKey& key, std::span<double> out) const {
    const PhiloxKey philox_key = field_key(seed_, key);
    PhiloxBlock bits;
    for (std::size_t e = 0; e < out.size(); ++e) {
        if (e % 4 == 0) bits = field_block(philox_key, e / 4, key.level, key.inner);
        out[e] = static_cast<double>(bits.word[e % 4]) * (1.0 / 4294967296.0);
    }
}

at::Tensor NoiseStream::normal(NoiseKey key, std::span<const std::uint64_t> images, const Shape& shape,
                               at::Device device) const {
    const auto rows = static_cast<std::int64_t>(images.size());
    at::Tensor noise = at::empty({rows, shape.channels, shape.height, shape.width}, at::kFloat);
    const auto count = static_cast<std::size_t>(shape.count());
    float* row = noise.mutable_data_ptr<float>();
    for (const std::uint64_t image : images) {
        key.image = image;
        normal(key, std::span<float>(row, count));
        row += count;
    }
    // A device gets the very same numbers.
    return device.is_cpu() ? noise : noise.to(device);
}

}  // namespace operators
