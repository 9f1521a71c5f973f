#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "operators/kernels/host_device.h"

namespace operators {

/// Key of one Philox sequence.
struct PhiloxKey {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
};

/// Counter of Philox4x32, and equally its result: four words of 32 bits.
struct PhiloxBlock {
    std::uint32_t word[4] = {0, 0, 0, 0};
};

/// Two independent standard normals.
struct NormalPair {
    float first = 0;
    float second = 0;
};

/// Philox4x32-10: a bijection of the counter for every key, which passes the usual tests of randomness.
/// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011, section 4.
DIFFINV_HOST_DEVICE inline PhiloxBlock philox(PhiloxBlock counter, PhiloxKey key) {
    std::uint32_t c0 = counter.word[0], c1 = counter.word[1], c2 = counter.word[2], c3 = counter.word[3];
    std::uint32_t k0 = key.low, k1 = key.high;
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product0 = std::uint64_t{0xD2511F53U} * c0;
        const std::uint64_t product1 = std::uint64_t{0xCD9E8D57U} * c2;
        c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ k0;
        c1 = static_cast<std::uint32_t>(product1);
        c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ k1;
        c3 = static_cast<std::uint32_t>(product0);
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    return {{c0, c1, c2, c3}};
}

/// The key of the fields of one (seed, purpose, image, sample): one evaluation of Philox under the seed.
DIFFINV_HOST_DEVICE inline PhiloxKey derive_key(std::uint64_t seed, std::uint32_t purpose, std::uint64_t image,
                                                std::uint32_t sample) {
    const PhiloxBlock mixed =
        philox({{static_cast<std::uint32_t>(image), static_cast<std::uint32_t>(image >> 32), sample, purpose}},
               {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    return {mixed.word[0], mixed.word[1]};
}

/// Block b of a field: elements 4 b … 4 b + 3.
DIFFINV_HOST_DEVICE inline PhiloxBlock field_block(PhiloxKey key, std::uint64_t block, std::uint32_t level,
                                                   std::uint32_t inner) {
    return philox({{static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), level, inner}}, key);
}

// From here on: +, −, ×, ÷ and sqrt of doubles alone, each correctly rounded by IEEE 754, and no fused multiply-add
// (-ffp-contract=off, --fmad=false). Hence the same bits on every processor and on the GPU, which libm does not
// promise.

DIFFINV_HOST_DEVICE inline std::uint64_t bits_of(double value) {
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

DIFFINV_HOST_DEVICE inline double from_bits(std::uint64_t bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// ln u for u = (word + 1/2)/2³², which is in (0, 1). Relative error below 3e-16.
DIFFINV_HOST_DEVICE inline double log_uniform(std::uint32_t word) {
    // word + 1/2 = 2^k m with m in [√½, √2); `biased` is k + 32, so that it is positive.
    const std::uint64_t bits = bits_of(static_cast<double>(word) + 0.5);
    const std::uint64_t biased = (bits - 0x3FE6A09E667F3BCDULL + (std::uint64_t{32} << 52)) >> 52;
    const double m = from_bits(bits - (biased << 52) + (std::uint64_t{32} << 52));

    // k − 32 as a double, by way of the bits of 2⁵² + biased: cheaper than a conversion from 64 bits.
    const double exponent = from_bits(biased | 0x4330000000000000ULL) - (4503599627370496.0 + 64.0);

    // ln m = 2 artanh s = 2 s + s z P(z) with s = (m − 1)/(m + 1), z = s² ≤ 0.0295; P interpolates at Chebyshev's
    // nodes.
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    double p = 0.13086626147840102;
    p = p * z + 0.13268773138656886;
    p = p * z + 0.15386239702814658;
    p = p * z + 0.18181795640132906;
    p = p * z + 0.22222222391713917;
    p = p * z + 0.28571428570803614;
    p = p * z + 0.4000000000000088;
    p = p * z + 0.6666666666666666;
    const double log_m = 2.0 * s + s * (z * p);

    // ln 2 in two parts; the first has zeros at its end, so that its product with the exponent is exact.
    return exponent * 0.6931471803691238 + (exponent * 1.9082149292705877e-10 + log_m);
}

/// sin and cos of an angle.
struct SineCosine {
    double sine = 0;
    double cosine = 0;
};

/// sin and cos of 2π word/2³². Relative error below 3e-16, near the zeros too.
DIFFINV_HOST_DEVICE inline SineCosine sincos_turn(std::uint32_t word) {
    // The nearest quarter turn q and the rest v π/4, v in [−1, 1]: exact, in integers.
    const std::uint32_t q = (word + 0x20000000U) >> 30;
    const double v = static_cast<double>(static_cast<std::int32_t>(word - (q << 30))) * (1.0 / 536870912.0);

    // sin(v π/4) = v S(v²) and cos(v π/4) = C(v²); both interpolate at Chebyshev's nodes.
    const double z = v * v;
    double s = 6.877360573166326e-12;
    s = s * z - 1.7571500746983935e-09;
    s = s * z + 3.133616225433416e-07;
    s = s * z - 3.657620415891387e-05;
    s = s * z + 0.002490394570188844;
    s = s * z - 0.08074551218828054;
    s = s * z + 0.7853981633974483;
    s = s * v;
    double c = -3.8581890073416675e-13;
    c = c * z + 1.1500512028217341e-10;
    c = c * z - 2.4611364033652597e-08;
    c = c * z + 3.590860446027952e-06;
    c = c * z - 0.00032599188692673765;
    c = c * z + 0.01585434424381542;
    c = c * z - 0.30842513753404244;
    c = c * z + 1.0;

    // Turn by q quarters: swap for odd q, then set the signs.
    const bool is_odd = (q & 1U) != 0;
    const double sine = is_odd ? c : s;
    const double cosine = is_odd ? s : c;
    return {from_bits(bits_of(sine) ^ (static_cast<std::uint64_t>(q >> 1) << 63)),
            from_bits(bits_of(cosine) ^ (static_cast<std::uint64_t>(((q + 1U) >> 1) & 1U) << 63))};
}

/// Two standard normals from 2 × 32 bits, in double, rounded to float at the end; |value| ≤ 6.77.
/// Box and Muller: A note on the generation of random normal deviates, Ann. Math. Stat. 29, 1958.
DIFFINV_HOST_DEVICE inline NormalPair normal_pair(std::uint32_t radius_word, std::uint32_t angle_word) {
    const double radius = std::sqrt(-2.0 * log_uniform(radius_word));
    const SineCosine turn = sincos_turn(angle_word);
    return {static_cast<float>(radius * turn.cosine), static_cast<float>(radius * turn.sine)};
}

}  // namespace operators
