// The normal transform: its logarithm, sine and cosine against long double, its distribution against N(0, 1).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "operators/kernels/philox.h"
#include "operators/noise_stream.h"

namespace {

// All small and large words, those around the octants, and a million in between.
std::vector<std::uint32_t> words() {
    std::vector<std::uint32_t> list;
    for (std::uint32_t octant = 0; octant < 16; ++octant) {
        for (std::uint32_t near = 0; near < 2000; ++near) {
            list.push_back((octant << 28) + near);
            list.push_back((octant << 28) - near - 1);
        }
    }
    for (std::uint32_t word = 12345; list.size() < 1'000'000; word += 2654435761U) list.push_back(word);
    return list;
}

// sin and cos of 2π word/2³² with the angle reduced exactly first, so that values near 0 are right as well.
long double exact_sine(std::uint32_t word) {
    constexpr long double pi = 3.14159265358979323846264338327950288L;
    const auto turn = [](std::int64_t part) { return 2 * pi * static_cast<long double>(part) / 4294967296.0L; };
    const std::int64_t quarter = std::int64_t{1} << 30;
    const std::int64_t q = (static_cast<std::int64_t>(word) + quarter / 2) / quarter;
    const long double rest = turn(static_cast<std::int64_t>(word) - q * quarter);
    switch (q % 4) {
        case 0:
            return std::sin(rest);
        case 1:
            return std::cos(rest);
        case 2:
            return -std::sin(rest);
        default:
            return -std::cos(rest);
    }
}

long double exact_cosine(std::uint32_t word) {
    return exact_sine(word + (1U << 30));
}

double relative_error(double value, long double exact) {
    if (exact == 0) return std::abs(value);
    return static_cast<double>(std::abs((static_cast<long double>(value) - exact) / exact));
}

TEST(NormalTransform, LogarithmIsRightToRounding) {
    double worst = 0;
    for (const std::uint32_t word : words()) {
        const long double u = (static_cast<long double>(word) + 0.5L) / 4294967296.0L;
        worst = std::max(worst, relative_error(operators::log_uniform(word), std::log(u)));
    }
    EXPECT_LE(worst, 3e-16);
}

TEST(NormalTransform, SineAndCosineAreRightToRounding) {
    double worst = 0;
    for (const std::uint32_t word : words()) {
        const operators::SineCosine turn = operators::sincos_turn(word);
        worst = std::max(worst, relative_error(turn.sine, exact_sine(word)));
        worst = std::max(worst, relative_error(turn.cosine, exact_cosine(word)));
    }
    EXPECT_LE(worst, 3.5e-16);
}

TEST(NormalTransform, IsBoxAndMuller) {
    double worst = 0;
    const std::vector<std::uint32_t> list = words();
    for (std::size_t i = 1; i < list.size(); ++i) {
        const long double u = (static_cast<long double>(list[i - 1]) + 0.5L) / 4294967296.0L;
        const long double radius = std::sqrt(-2 * std::log(u));
        const operators::NormalPair pair = operators::normal_pair(list[i - 1], list[i]);
        worst = std::max(worst, relative_error(pair.first, radius * exact_cosine(list[i])));
        worst = std::max(worst, relative_error(pair.second, radius * exact_sine(list[i])));
    }
    EXPECT_LE(worst, 6e-8);  // half a unit in the last place of float
}

TEST(NormalTransform, ExtremeWordsStayFinite) {
    EXPECT_NEAR(operators::normal_pair(0, 0).first, 6.7637, 1e-4);
    EXPECT_EQ(operators::normal_pair(0, 0).second, 0);
    EXPECT_NEAR(operators::normal_pair(0xffffffff, 0).first, std::sqrt(2 * std::ldexp(1.0, -33)), 1e-12);
}

class NormalMoments : public testing::Test {
  protected:
    static constexpr std::size_t count = 4'000'000;
    static std::vector<float> draw() {
        std::vector<float> values(count);
        operators::NoiseStream(2024).normal({.purpose = operators::Purpose::step, .image = 11, .level = 500}, values);
        return values;
    }
};

TEST_F(NormalMoments, AreThoseOfTheStandardNormal) {
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (const float value : draw()) {
        const double z = value;
        m1 += z;
        m2 += z * z;
        m3 += z * z * z;
        m4 += z * z * z * z;
    }
    // Four standard errors of each sample moment: √(1, 2, 15, 96)/√n.
    const double n = count;
    EXPECT_NEAR(m1 / n, 0, 4 * std::sqrt(1 / n));
    EXPECT_NEAR(m2 / n, 1, 4 * std::sqrt(2 / n));
    EXPECT_NEAR(m3 / n, 0, 4 * std::sqrt(15 / n));
    EXPECT_NEAR(m4 / n, 3, 4 * std::sqrt(96 / n));
}

TEST_F(NormalMoments, TailsHaveTheirShare) {
    const std::vector<float> values = draw();
    for (const double limit : {1.0, 2.0, 3.0, 4.0, 4.5}) {
        for (const double sign : {-1.0, 1.0}) {
            const double expected = count * 0.5 * std::erfc(limit / std::sqrt(2.0));
            const auto found = std::count_if(values.begin(), values.end(), [&](float z) { return sign * z > limit; });
            EXPECT_NEAR(static_cast<double>(found), expected, 4 * std::sqrt(expected)) << sign * limit;
        }
    }
}

TEST_F(NormalMoments, KolmogorovSmirnovFindsNoDifference) {
    std::vector<float> values = draw();
    std::sort(values.begin(), values.end());
    double distance = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double share = 0.5 * std::erfc(-static_cast<double>(values[i]) / std::sqrt(2.0));
        distance =
            std::max({distance, share - static_cast<double>(i) / count, static_cast<double>(i + 1) / count - share});
    }
    EXPECT_LE(distance * std::sqrt(double{count}), 1.95);  // one sample in a thousand exceeds this
}

TEST_F(NormalMoments, NeighboursAndLevelsAreUncorrelated) {
    const std::vector<float> values = draw();
    std::vector<float> other(count);
    operators::NoiseStream(2024).normal({.purpose = operators::Purpose::step, .image = 11, .level = 501}, other);
    for (const std::size_t lag : {1U, 2U, 3U, 4U, 256U}) {
        double sum = 0;
        for (std::size_t i = lag; i < count; ++i) sum += double{values[i]} * values[i - lag];
        EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(double{count})) << lag;
    }
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += double{values[i]} * other[i];
    EXPECT_NEAR(sum / count, 0, 4 / std::sqrt(double{count}));
}

}  // namespace
