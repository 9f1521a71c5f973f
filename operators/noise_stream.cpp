#include "operators/noise_stream.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <ATen/ops/empty.h>

#include "operators/kernels/philox.h"

namespace operators {
namespace {

PhiloxKey field_key(std::uint64_t seed, const NoiseKey& key) {
    return derive_key(seed, static_cast<std::uint32_t>(key.purpose), key.image, key.sample);
}

// Blocks are made in tiles, each stage a loop that the compiler can turn into vector instructions.
constexpr std::int64_t tile_blocks = 64;

struct Tile {
    alignas(64) std::uint32_t word[4][tile_blocks];
    alignas(64) float normal[4][tile_blocks];
};

// Normals of blocks first … first + tile_blocks − 1.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
[[gnu::target_clones("avx512f", "avx2", "default")]]
#endif
void fill_tile(Tile& tile, PhiloxKey key, std::uint64_t first, std::uint32_t level, std::uint32_t inner) {
    for (std::int64_t i = 0; i < tile_blocks; ++i) {
        const PhiloxBlock bits = field_block(key, first + static_cast<std::uint64_t>(i), level, inner);
        tile.word[0][i] = bits.word[0];
        tile.word[1][i] = bits.word[1];
        tile.word[2][i] = bits.word[2];
        tile.word[3][i] = bits.word[3];
    }
    for (int pair = 0; pair < 4; pair += 2) {
        for (std::int64_t i = 0; i < tile_blocks; ++i) {
            const NormalPair normals = normal_pair(tile.word[pair][i], tile.word[pair + 1][i]);
            tile.normal[pair][i] = normals.first;
            tile.normal[pair + 1][i] = normals.second;
        }
    }
}

void fill_normals(PhiloxKey key, const NoiseKey& field, std::span<float> out) {
    Tile tile;
    const auto count = static_cast<std::int64_t>(out.size());
    for (std::int64_t start = 0; start < count; start += 4 * tile_blocks) {
        fill_tile(tile, key, static_cast<std::uint64_t>(start / 4), field.level, field.inner);

        // Lanes of a block are neighbours; the last tile may reach past the end.
        const std::int64_t left = std::min(count - start, 4 * tile_blocks);
        float* const target = out.data() + start;
        for (std::int64_t block = 0; block < left / 4; ++block) {
            for (std::int64_t lane = 0; lane < 4; ++lane) target[4 * block + lane] = tile.normal[lane][block];
        }
        for (std::int64_t e = left - left % 4; e < left; ++e) target[e] = tile.normal[e % 4][e / 4];
    }
}

}  // namespace

void NoiseStream::normal(const NoiseKey& key, std::span<float> out) const {
    fill_normals(field_key(seed_, key), key, out);
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
