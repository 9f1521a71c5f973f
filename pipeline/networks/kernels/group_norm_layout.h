#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace pipeline {

/// What the group norm's kernels work on: images [images, pixels, channels] (channels last), channels in groups.
struct GroupNormShape {
    int images = 0;
    int pixels = 0;
    int channels = 0;
    int groups = 0;
    bool has_own_weights = false;  ///< weight and bias [images, channels] instead of [channels]
};

/// How an image is shared out. A block takes a run of pixels; its threads stand in `rows` × `columns`, a column for
/// every 16 bytes of channels (for several, where there are more than threads), and rows take turns at the pixels.
struct GroupNormLayout {
    static constexpr int threads = 256;

    int columns = 0;
    int rows = 0;
    int splits = 0;            ///< Blocks per image.
    int pixels_per_split = 0;  ///< All have as many, the last perhaps fewer, none has 0.
    int unit = 0;              ///< Neighbouring channels of 16 bytes that surely are of one group.
    int lanes = 0;             ///< Threads that sum up one group, a power of 2 up to 32.

    /// @param width  channels in 16 bytes
    ///
    /// The number of blocks does not depend on the GPU, so that the bits do not either: enough to fill 132
    /// multiprocessors eight times, at most 128 for one image, since every block that applies the norm first reads what
    /// all of them found; and at least four rounds for every thread.
    GroupNormLayout(const GroupNormShape& shape, int width) {
        const int vectors = shape.channels / width;
        columns = std::min(vectors, threads);
        rows = threads / columns;
        const auto parts = [](int whole, int part) { return (whole + part - 1) / part; };
        const int wanted = std::min({128, parts(1056, shape.images), parts(shape.pixels, 4 * rows)});
        pixels_per_split = parts(shape.pixels, wanted);
        splits = parts(shape.pixels, pixels_per_split);
        unit = std::gcd(shape.channels / shape.groups, width);
        lanes = 32;
        while (lanes > 1 && lanes * shape.groups > threads) lanes /= 2;
    }

    /// float32 values that the first kernel leaves for the second: two for each group of each block.
    static std::int64_t partial_count(const GroupNormShape& shape, int width) {
        return std::int64_t{2} * shape.images * GroupNormLayout(shape, width).splits * shape.groups;
    }
};

/// True for what the kernels can take: channels a multiple of `width` and of the groups, at most 3072 (what fits in
/// shared memory), and less than 2³¹ values in an image.
inline bool is_supported(const GroupNormShape& shape, int width) {
    return shape.images > 0 && shape.images <= 65535 && shape.pixels > 0 && shape.groups > 0 && shape.channels > 0 &&
           shape.channels % shape.groups == 0 && shape.channels % width == 0 && shape.channels <= 3072 &&
           std::int64_t{shape.pixels} * shape.channels <= 0x7FFFFFFF;
}

}  // namespace pipeline
