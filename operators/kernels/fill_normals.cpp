#include "operators/kernels/fill_normals.h"

#include <algorithm>

namespace operators {
namespace {

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

}  // namespace

void fill_normals(PhiloxKey key, std::uint32_t level, std::uint32_t inner, std::span<float> out) {
    Tile tile;
    const auto count = static_cast<std::int64_t>(out.size());
    for (std::int64_t start = 0; start < count; start += 4 * tile_blocks) {
        fill_tile(tile, key, static_cast<std::uint64_t>(start / 4), level, inner);

        // Lanes of a block are neighbours; the last tile may reach past the end.
        const std::int64_t left = std::min(count - start, 4 * tile_blocks);
        float* const target = out.data() + start;
        for (std::int64_t block = 0; block < left / 4; ++block) {
            for (std::int64_t lane = 0; lane < 4; ++lane) target[4 * block + lane] = tile.normal[lane][block];
        }
        for (std::int64_t e = left - left % 4; e < left; ++e) target[e] = tile.normal[e % 4][e / 4];
    }
}

}  // namespace operators
