#pragma once

#include <cstdint>

#include "operators/kernels/host_device.h"

namespace operators {

/// A line of pixels in memory: every `stride`-th value, `length` of them.
template <class T>
struct PixelLine {
    const T* first;
    std::int64_t stride;
    std::int64_t length;
};

/// Odd taps with ⌊count/2⌋ below the length of the lines they meet.
template <class T>
struct TapLine {
    const T* first;
    std::int64_t count;
};

/// (A x)[i] = Σ_a taps[a] x̃[i + a − ⌊K/2⌋], x̃ mirrored without repeating the border; summed in the order of a.
template <class T>
DIFFINV_HOST_DEVICE inline T mirrored_correlation(PixelLine<T> x, TapLine<T> taps, std::int64_t i) {
    const std::int64_t begin = i - taps.count / 2;
    const bool is_inside = begin >= 0 && begin + taps.count <= x.length;
    T sum = 0;
    for (std::int64_t a = 0; a < taps.count; ++a) {
        std::int64_t source = begin + a;
        if (!is_inside) {
            if (source < 0) source = -source;
            if (source >= x.length) source = 2 * (x.length - 1) - source;
        }
        sum = sum + taps.first[a] * x.first[source * x.stride];
    }
    return sum;
}

/// Σ taps[a] y[q + ⌊K/2⌋ − a] over the a for which that is a pixel: what the place q of the mirrored line receives.
template <class T>
DIFFINV_HOST_DEVICE inline T received_at(PixelLine<T> y, TapLine<T> taps, std::int64_t q) {
    const std::int64_t top = q + taps.count / 2;
    const std::int64_t first = top - (y.length - 1) > 0 ? top - (y.length - 1) : 0;
    const std::int64_t last = top < taps.count - 1 ? top : taps.count - 1;
    T sum = 0;
    for (std::int64_t a = first; a <= last; ++a) sum = sum + taps.first[a] * y.first[(top - a) * y.stride];
    return sum;
}

/// (A* y)[j], gathered: what place j receives, and what its mirror images beyond both ends do.
template <class T>
DIFFINV_HOST_DEVICE inline T mirrored_adjoint(PixelLine<T> y, TapLine<T> taps, std::int64_t j) {
    const std::int64_t reach = taps.count / 2;
    const std::int64_t from_end = y.length - 1 - j;
    T sum = received_at(y, taps, j);
    if (j >= 1 && j <= reach) sum = sum + received_at(y, taps, -j);
    if (from_end >= 1 && from_end <= reach) sum = sum + received_at(y, taps, y.length - 1 + from_end);
    return sum;
}

/// Pixel i of A x or of A* x along one line.
template <class T>
DIFFINV_HOST_DEVICE inline T mirrored_dot(PixelLine<T> x, TapLine<T> taps, std::int64_t i, bool is_adjoint) {
    return is_adjoint ? mirrored_adjoint(x, taps, i) : mirrored_correlation(x, taps, i);
}

}  // namespace operators
