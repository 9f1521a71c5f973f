#pragma once

#include <cstdint>
#include <cstring>

#include "operators/kernels/host_device.h"

namespace pipeline {

// bfloat16 is the upper half of a float32. By its bits, so that neither the toolkit's header nor LibTorch's is needed.

/// The float32 of 16 bits; exact.
DIFFINV_HOST_DEVICE inline float from_bfloat16(std::uint32_t half) {
    const std::uint32_t bits = half << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// Rounded to the nearest bfloat16, ties to even; a NaN stays one.
DIFFINV_HOST_DEVICE inline std::uint32_t to_bfloat16(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (value != value) return 0x7FC0U;
    return (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
}

}  // namespace pipeline
