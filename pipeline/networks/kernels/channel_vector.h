#pragma once

#include <cstdint>

#include "operators/kernels/launch.h"
#include "pipeline/networks/kernels/bfloat16.h"

namespace pipeline {

// How kernels read and write images: 16 bytes at a time, computed in float32. For .cu files alone.

struct Float32 {
    using Storage = float;
    using Raw = float4;
    static constexpr int width = 4;

    __device__ static void unpack(const Raw& raw, float (&value)[width]) {
        value[0] = raw.x;
        value[1] = raw.y;
        value[2] = raw.z;
        value[3] = raw.w;
    }
    __device__ static Raw pack(const float (&value)[width]) {
        return make_float4(value[0], value[1], value[2], value[3]);
    }
};

struct BFloat16 {
    using Storage = std::uint16_t;
    using Raw = uint4;
    static constexpr int width = 8;

    __device__ static void unpack(const Raw& raw, float (&value)[width]) {
        unpack_two(raw.x, value[0], value[1]);
        unpack_two(raw.y, value[2], value[3]);
        unpack_two(raw.z, value[4], value[5]);
        unpack_two(raw.w, value[6], value[7]);
    }
    __device__ static Raw pack(const float (&value)[width]) {
        return make_uint4(pack_two(value[0], value[1]), pack_two(value[2], value[3]), pack_two(value[4], value[5]),
                          pack_two(value[6], value[7]));
    }

  private:
    __device__ static void unpack_two(std::uint32_t both, float& low, float& high) {
        low = from_bfloat16(both & 0xFFFFU);
        high = from_bfloat16(both >> 16);
    }
    __device__ static std::uint32_t pack_two(float low, float high) {
        return to_bfloat16(low) | to_bfloat16(high) << 16;
    }
};

}  // namespace pipeline
