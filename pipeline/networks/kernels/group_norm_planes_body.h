// The group norm for one kind of processor. Included by group_norm_planes.cpp once for each, in a namespace of its own,
// which defines Vector, floats of a register, and Bits, as many unsigned integers. No include guard.

constexpr int width = sizeof(Vector) / sizeof(float);
constexpr int parts = lanes / width;

/// Sixteen numbers, in as many registers as they need.
struct Lanes {
    Vector part[parts];
};

[[gnu::always_inline]] inline Lanes load(const float* from) {
    Lanes v;
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) __builtin_memcpy(&v.part[p], from + p * width, sizeof(Vector));
    return v;
}

[[gnu::always_inline]] inline void store(float* to, const Lanes& v) {
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) __builtin_memcpy(to + p * width, &v.part[p], sizeof(Vector));
}

/// The last, fewer than sixteen, filled up.
inline Lanes load_some(const float* from, std::int64_t count, float filling) {
    float numbers[lanes];
    for (std::int64_t l = 0; l < lanes; ++l) numbers[l] = l < count ? from[l] : filling;
    return load(numbers);
}

inline void store_some(float* to, const Lanes& v, std::int64_t count) {
    float numbers[lanes];
    store(numbers, v);
    for (std::int64_t l = 0; l < count; ++l) to[l] = numbers[l];
}

inline double sum_of(const Lanes& v) {
    float numbers[lanes];
    store(numbers, v);
    double sum = 0;
    for (const float number : numbers) sum += static_cast<double>(number);
    return sum;
}

/// e^v for |v| ≤ 87, clamped there: 2^n e^r with n = round(v/ln 2), where e^r = 1 + r + r² P(r) within 3e-9 for
/// |r| ≤ (ln 2)/2. P is a least-squares fit, weighted until the largest relative error was least.
[[gnu::always_inline]] inline Vector exp_of(Vector v) {
    const Vector zero{};
    v = v < zero - 87.0F ? zero - 87.0F : v;
    v = v > zero + 87.0F ? zero + 87.0F : v;
    constexpr float rounding = 12582912.0F;  // 1.5 · 2²³: what is added to it is rounded to an integer
    const Vector shifted = v * 1.44269504F + rounding;
    const Vector n = shifted - rounding;
    // ln 2 in two parts, the first with so few bits that n times it is exact
    const Vector r = (v - n * 0.693145752F) - n * 1.42860677e-6F;
    const Vector p =
        0.4999999404F + r * (0.1666652113F + r * (0.0416683890F + r * (0.0083687175F + r * 0.0013814596F)));
    const Vector power = (Vector)(((Bits)shifted << 23) + 0x3F800000U);
    return (1.0F + (r + r * r * p)) * power;
}

[[gnu::always_inline]] inline Vector sigmoid(Vector z) {
    return 1.0F / (1.0F + exp_of(-z));
}

/// Of at most `chunk` numbers. Their distances from the first are summed up: a large mean costs no digits.
inline Moments moments_of_chunk(const float* x, std::int64_t count) {
    const std::int64_t whole = count - count % lanes;
    const float pivot = x[0];
    Lanes sum{};
    for (std::int64_t i = 0; i < count; i += lanes) {
        const Lanes v = i < whole ? load(x + i) : load_some(x + i, count - i, pivot);
#pragma GCC unroll 4
        for (int p = 0; p < parts; ++p) sum.part[p] += v.part[p] - pivot;
    }
    const double mean = double{pivot} + sum_of(sum) / static_cast<double>(count);

    const float center = static_cast<float>(mean);
    Lanes m2{};
    for (std::int64_t i = 0; i < count; i += lanes) {
        const Lanes v = i < whole ? load(x + i) : load_some(x + i, count - i, center);
#pragma GCC unroll 4
        for (int p = 0; p < parts; ++p) m2.part[p] += (v.part[p] - center) * (v.part[p] - center);
    }
    return {static_cast<double>(count), mean, sum_of(m2)};
}

/// z = (x − μ) a + b, with SiLU or without.
template <bool has_silu>
[[gnu::always_inline]] inline Lanes normalised(const Lanes& x, float mean, float a, float b) {
    Lanes y;
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) {
        const Vector z = (x.part[p] - mean) * a + b;
        if constexpr (has_silu) {
            // Below −87 the product is less than 1.5e-36: 0, as it is to be where z is huge.
            y.part[p] = z < Vector{} - 87.0F ? Vector{} : z * sigmoid(z);
        } else {
            y.part[p] = z;
        }
    }
    return y;
}

template <bool has_silu>
inline void forward_group(const GroupNormPlanes& planes, const GroupNormForward& at, std::int64_t group) {
    const std::int64_t in_group = planes.in_group(), pixels = planes.pixels, count = in_group * pixels;
    const float* const x = at.x + group * count;
    Moments moments;
    for (std::int64_t i = 0; i < count; i += chunk) {
        moments = merged(moments, moments_of_chunk(x + i, count - i < chunk ? count - i : chunk));
    }
    const float mean = static_cast<float>(moments.mean);
    const float rstd = static_cast<float>(1 / __builtin_sqrt(moments.m2 / moments.count + planes.epsilon));
    at.mean[group] = mean;
    at.rstd[group] = rstd;

    const std::int64_t whole = pixels - pixels % lanes;
    for (std::int64_t c = 0; c < in_group; ++c) {
        const std::int64_t weight = planes.first_weight(group) + c;
        const float* from = x + c * pixels;
        float* to = at.y + group * count + c * pixels;
        const float a = at.weight[weight] * rstd;
        const float b = at.bias[weight] - a * static_cast<float>(moments.mean - double{mean});  // what the mean lost
        for (std::int64_t i = 0; i < whole; i += lanes) store(to + i, normalised<has_silu>(load(from + i), mean, a, b));
        if (whole < pixels) {
            const Lanes last = load_some(from + whole, pixels - whole, mean);
            store_some(to + whole, normalised<has_silu>(last, mean, a, b), pixels - whole);
        }
    }
}

void forward(const GroupNormPlanes& planes, const GroupNormForward& at, std::int64_t first, std::int64_t last) {
    for (std::int64_t group = first; group < last; ++group) {
        planes.has_silu ? forward_group<true>(planes, at, group) : forward_group<false>(planes, at, group);
    }
}

/// Σ g' and Σ g' (x − μ), where g' = g s (1 + z (1 − s)), or g without SiLU.
struct InnerSums {
    Lanes g{}, g_x{};
};

/// g' of sixteen numbers, which joins the sums.
template <bool has_silu>
[[gnu::always_inline]] inline Lanes inner_gradient(const Lanes& g, const Lanes& x, float mean, float a, float b,
                                                   InnerSums& sums) {
    Lanes inner;
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) {
        const Vector centered = x.part[p] - mean;
        Vector d = g.part[p];
        if constexpr (has_silu) {
            const Vector z = centered * a + b;
            const Vector s = sigmoid(z);
            d *= s * (1.0F + z * (1.0F - s));
        }
        sums.g.part[p] += d;
        sums.g_x.part[p] += d * centered;
        inner.part[p] = d;
    }
    return inner;
}

template <bool has_silu>
inline void backward_group(const GroupNormPlanes& planes, const GroupNormBackward& at, std::int64_t group) {
    const std::int64_t in_group = planes.in_group(), pixels = planes.pixels, count = in_group * pixels;
    const float mean = at.mean[group], rstd = at.rstd[group];
    const std::int64_t first_weight = planes.first_weight(group);
    double sum = 0, sum_x = 0;
    // g' waits in dx.
    for (std::int64_t c = 0; c < in_group; ++c) {
        const float weight = at.weight[first_weight + c], a = weight * rstd, b = at.bias[first_weight + c];
        const float* const g =
            at.gradient + group / planes.groups * planes.gradient_stride + group % planes.groups * count + c * pixels;
        const float* const x = at.x + group * count + c * pixels;
        float* const dx = at.dx + group * count + c * pixels;
        for (std::int64_t begin = 0; begin < pixels; begin += chunk) {
            const std::int64_t end = pixels - begin < chunk ? pixels : begin + chunk;
            const std::int64_t whole = end - (end - begin) % lanes;
            InnerSums sums;
            for (std::int64_t i = begin; i < whole; i += lanes) {
                store(dx + i, inner_gradient<has_silu>(load(g + i), load(x + i), mean, a, b, sums));
            }
            if (whole < end) {
                const Lanes last_g = load_some(g + whole, end - whole, 0),
                            last_x = load_some(x + whole, end - whole, mean);
                store_some(dx + whole, inner_gradient<has_silu>(last_g, last_x, mean, a, b, sums), end - whole);
            }
            sum += double{weight} * sum_of(sums.g);
            sum_x += double{weight} * sum_of(sums.g_x);
        }
    }
    const double r = double{rstd}, numbers = static_cast<double>(count);
    const float shift = static_cast<float>(r * sum / numbers);
    const float slope = static_cast<float>(r * r * r * sum_x / numbers);
    for (std::int64_t c = 0; c < in_group; ++c) {
        const float a = at.weight[first_weight + c] * rstd;
        const float* const x = at.x + group * count + c * pixels;
        float* const dx = at.dx + group * count + c * pixels;
        for (std::int64_t i = 0; i < pixels; ++i) dx[i] = (dx[i] * a - shift) - (x[i] - mean) * slope;
    }
}

void backward(const GroupNormPlanes& planes, const GroupNormBackward& at, std::int64_t first, std::int64_t last) {
    for (std::int64_t group = first; group < last; ++group) {
        planes.has_silu ? backward_group<true>(planes, at, group) : backward_group<false>(planes, at, group);
    }
}
