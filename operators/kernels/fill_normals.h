#pragma once

#include <cstdint>
#include <span>

#include "operators/kernels/philox.h"

namespace operators {

/// Fills `out` with elements 0 … out.size()−1 of the field of standard normals of (key, level, inner).
void fill_normals(PhiloxKey key, std::uint32_t level, std::uint32_t inner, std::span<float> out);

}  // namespace operators
