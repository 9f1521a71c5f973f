// The convolution for one kind of processor. Included by winograd_rows.cpp once for each, in a namespace of its own,
// which defines
//     Vector                   floats of a register, with load, broadcast and multiply_add
//     tile_rows, tile_vectors  outputs that are summed up in registers: channels, and vectors of positions
// No include guard.

constexpr std::int64_t width_of_vector = sizeof(Vector) / sizeof(float);
constexpr std::int64_t width_of_tile = tile_vectors * width_of_vector;

inline Vector load(const float* from) {
    Vector v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

inline void store(float* to, Vector v) {
    __builtin_memcpy(to, &v, sizeof v);
}

/// out[row][position] = Σ_c Σ_dx weights[c][dx][row] · inputs[c][position + dx], for a tile of rows and positions.
template <int tile_vectors>
[[gnu::always_inline]] inline void sum_tile(const float* weights, const float* inputs, std::int64_t channels,
                                            std::int64_t input_stride, float* out, std::int64_t out_stride) {
    Vector sum[tile_rows][tile_vectors];
#pragma GCC unroll 8
    for (int row = 0; row < tile_rows; ++row) {
#pragma GCC unroll 8
        for (int v = 0; v < tile_vectors; ++v) sum[row][v] = Vector{};
    }
    for (std::int64_t c = 0; c < channels; ++c) {
#pragma GCC unroll 3
        for (int dx = 0; dx < 3; ++dx) {
            Vector input[tile_vectors];
#pragma GCC unroll 8
            for (int v = 0; v < tile_vectors; ++v) input[v] = load(inputs + dx + v * width_of_vector);
#pragma GCC unroll 8
            for (int row = 0; row < tile_rows; ++row) {
                const Vector weight = broadcast(weights[dx * winograd_block + row]);
#pragma GCC unroll 8
                for (int v = 0; v < tile_vectors; ++v) sum[row][v] = multiply_add(weight, input[v], sum[row][v]);
            }
        }
        weights += 3 * winograd_block;
        inputs += input_stride;
    }
#pragma GCC unroll 8
    for (int row = 0; row < tile_rows; ++row) {
#pragma GCC unroll 8
        for (int v = 0; v < tile_vectors; ++v) store(out + row * out_stride + v * width_of_vector, sum[row][v]);
    }
}

/// The same for all positions, in tiles, the last as narrow as it may be.
inline void sum_rows(const float* weights, const float* inputs, std::int64_t positions, std::int64_t channels,
                     std::int64_t stride, float* out) {
    std::int64_t position = 0;
    for (; position + (tile_vectors - 1) * width_of_vector < positions; position += width_of_tile) {
        sum_tile<tile_vectors>(weights, inputs + position, channels, stride, out + position, stride);
    }
    if (tile_vectors > 2 && position + width_of_vector < positions) {
        sum_tile<2>(weights, inputs + position, channels, stride, out + position, stride);
    } else if (position < positions) {
        sum_tile<1>(weights, inputs + position, channels, stride, out + position, stride);
    }
}

/// Bᵀ d of some columns, d being rows of inputs: six numbers, each to its plane.
template <class Number>
[[gnu::always_inline]] inline void transform_inputs(const Number (&d)[6], Number (&out)[6]) {
    constexpr float a = inner_point, b = outer_point;
    const Number near = d[4] - b * b * d[2], near_odd = a * (d[3] - b * b * d[1]);
    const Number far = d[4] - a * a * d[2], far_odd = b * (d[3] - a * a * d[1]);
    out[0] = (d[4] - (a * a + b * b) * d[2]) + a * a * b * b * d[0];
    out[1] = near + near_odd;
    out[2] = near - near_odd;
    out[3] = far + far_odd;
    out[4] = far - far_odd;
    out[5] = (d[5] - (a * a + b * b) * d[3]) + a * a * b * b * d[1];
}

/// Aᵀ m of some columns: four rows of outputs.
template <class Number>
[[gnu::always_inline]] inline void transform_sums(const Number (&m)[6], Number (&out)[4]) {
    constexpr float a = inner_point, b = outer_point;
    const Number near = m[1] + m[2], near_odd = m[1] - m[2];
    const Number far = m[3] + m[4], far_odd = m[3] - m[4];
    out[0] = m[0] + (near + far);
    out[1] = a * near_odd + b * far_odd;
    out[2] = a * a * near + b * b * far;
    out[3] = m[5] + (a * a * a * near_odd + b * b * b * far_odd);
}

/// One band of one channel: six rows of inputs around it (zeros outside the image) into six planes, one column in.
inline void take_inputs(const float* x, std::int64_t band, const WinogradShape& shape, const float* zeros,
                        float* planes, std::int64_t plane_stride) {
    const float* rows[6];
    for (std::int64_t i = 0; i < 6; ++i) {
        const std::int64_t row = 4 * band - 1 + i;
        rows[i] = row >= 0 && row < shape.height ? x + row * shape.width : zeros;
    }
    std::int64_t w = 0;
    for (; w + width_of_vector <= shape.width; w += width_of_vector) {
        Vector d[6], out[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) d[i] = load(rows[i] + w);
        transform_inputs(d, out);
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) store(planes + i * plane_stride + 1 + w, out[i]);
    }
    for (; w < shape.width; ++w) {
        float d[6], out[6];
        for (int i = 0; i < 6; ++i) d[i] = rows[i][w];
        transform_inputs(d, out);
        for (int i = 0; i < 6; ++i) planes[i * plane_stride + 1 + w] = out[i];
    }
}

/// One band of one channel: six rows of sums into up to four rows of y.
inline void give_outputs(const float* sums, std::int64_t sum_stride, std::int64_t rows, std::int64_t width, float bias,
                         const float* addend, float* y) {
    std::int64_t w = 0;
    for (; w + width_of_vector <= width; w += width_of_vector) {
        Vector m[6], out[4];
#pragma GCC unroll 6
        for (int i = 0; i < 6; ++i) m[i] = load(sums + i * sum_stride + w);
        transform_sums(m, out);
        for (std::int64_t i = 0; i < rows; ++i) {
            Vector value = out[i] + bias;
            if (addend != nullptr) value += load(addend + i * width + w);
            store(y + i * width + w, value);
        }
    }
    for (; w < width; ++w) {
        float m[6], out[4];
        for (int i = 0; i < 6; ++i) m[i] = sums[i * sum_stride + w];
        transform_sums(m, out);
        for (std::int64_t i = 0; i < rows; ++i) {
            float value = out[i] + bias;
            if (addend != nullptr) value += addend[i * width + w];
            y[i * width + w] = value;
        }
    }
}

void convolve(const WinogradShape& shape, const WinogradPlaces& at, std::int64_t first, std::int64_t last) {
    // Bands side by side, each with a zero on both ends, so that tiles run over their borders.
    const std::int64_t band_width = shape.width + 2;
    const std::int64_t at_once = bands_at_once(shape.in_channels, band_width);
    const std::int64_t stride = (at_once * band_width + width_of_tile + 2 + 15) / 16 * 16;
    const std::int64_t plane_stride = shape.in_channels * stride;
    static thread_local Scratch scratch;
    float* const zeros = scratch.take(shape.width + width_of_vector + 6 * plane_stride + 6 * winograd_block * stride);
    float* const planes = zeros + shape.width + width_of_vector;
    float* const sums = planes + 6 * plane_stride;
    const std::int64_t pixels = shape.height * shape.width;
    const std::int64_t blocks = (shape.out_channels + winograd_block - 1) / winograd_block;

    for (std::int64_t begin = first; begin < last; begin += at_once) {
        const std::int64_t bands = begin + at_once < last ? at_once : last - begin;
        const std::int64_t positions = bands * band_width - 2;
        for (std::int64_t i = 0; i < bands; ++i) {
            const std::int64_t image = (begin + i) / shape.bands(), band = (begin + i) % shape.bands();
            for (std::int64_t c = 0; c < shape.in_channels; ++c) {
                take_inputs(at.x + image * shape.image_stride + c * pixels, band, shape, zeros,
                            planes + c * stride + i * band_width, plane_stride);
            }
        }
        for (std::int64_t block = 0; block < blocks; ++block) {
            for (std::int64_t i = 0; i < 6; ++i) {
                const float* weights = at.weights + (block * 6 + i) * shape.in_channels * 3 * winograd_block;
                for (std::int64_t row = 0; row < winograd_block; row += tile_rows) {
                    sum_rows(weights + row, planes + i * plane_stride, positions, shape.in_channels, stride,
                             sums + (i * winograd_block + row) * stride);
                }
            }
            for (std::int64_t i = 0; i < bands; ++i) {
                const std::int64_t image = (begin + i) / shape.bands(), band = (begin + i) % shape.bands();
                const std::int64_t rows = shape.height - 4 * band < 4 ? shape.height - 4 * band : 4;
                for (std::int64_t row = 0; row < winograd_block; ++row) {
                    const std::int64_t channel = block * winograd_block + row;
                    if (channel >= shape.out_channels) break;
                    const std::int64_t place = (image * shape.out_channels + channel) * pixels + 4 * band * shape.width;
                    give_outputs(sums + row * stride + i * band_width, winograd_block * stride, rows, shape.width,
                                 at.bias != nullptr ? at.bias[channel] : 0.0F,
                                 at.addend != nullptr ? at.addend + place : nullptr, at.y + place);
                }
            }
        }
    }
}
