// The keyed stream: a pure function of its key, whatever is asked for and in what order.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/kernels/philox.h"
#include "operators/noise_stream.h"

namespace {

using operators::no_image;
using operators::NoiseKey;
using operators::NoiseStream;
using operators::Purpose;

std::vector<float> normals(std::uint64_t seed, const NoiseKey& key, std::size_t count) {
    std::vector<float> values(count);
    NoiseStream(seed).normal(key, values);
    return values;
}

std::vector<std::uint32_t> float_bits(const std::vector<float>& values) {
    std::vector<std::uint32_t> bits;
    for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
    return bits;
}

TEST(NoiseStream, ShorterFieldIsTheBeginningOfALongerOne) {
    const NoiseKey key{.purpose = Purpose::step, .image = 3, .sample = 1, .level = 77, .inner = 2};
    const std::vector<float> whole = normals(9, key, 2000);
    for (const std::size_t count : {0, 1, 2, 3, 4, 5, 255, 256, 257, 258, 259, 1023, 1999}) {
        const std::vector<float> part = normals(9, key, count);
        EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << count;
    }
}

TEST(NoiseStream, FastPathHasTheBitsOfTheFunctionsThatTheGpuRuns) {
    const NoiseKey key{.purpose = Purpose::measurement, .image = 1234567890123, .sample = 2, .level = 3, .inner = 4};
    const std::vector<float> fast = normals(77, key, 100'003);
    const operators::PhiloxKey philox_key =
        operators::derive_key(77, static_cast<std::uint32_t>(key.purpose), key.image, key.sample);
    for (std::size_t e = 0; e < fast.size(); ++e) {
        const operators::PhiloxBlock block = operators::field_block(philox_key, e / 4, key.level, key.inner);
        const std::size_t first = e % 4 / 2 * 2;
        const operators::NormalPair pair = operators::normal_pair(block.word[first], block.word[first + 1]);
        const float expected = e % 2 == 0 ? pair.first : pair.second;
        ASSERT_EQ(std::bit_cast<std::uint32_t>(fast[e]), std::bit_cast<std::uint32_t>(expected)) << e;
    }
}

TEST(NoiseStream, RowsAreKeyedByImageWhateverTheBatch) {
    const NoiseStream noise(5);
    const operators::Shape shape{3, 7, 5};
    const NoiseKey key{.purpose = Purpose::step, .level = 12};
    const at::Tensor together = noise.normal(key, std::vector<std::uint64_t>{8, 2, no_image}, shape);
    EXPECT_THAT(together.sizes().vec(), testing::ElementsAre(3, 3, 7, 5));
    EXPECT_EQ(together.scalar_type(), at::kFloat);
    const at::Tensor again = noise.normal(key, std::vector<std::uint64_t>{no_image, 8}, shape);
    EXPECT_TRUE(together[2].equal(again[0]));
    EXPECT_TRUE(together[0].equal(again[1]));

    NoiseKey own = key;
    own.image = 2;
    const std::vector<float> alone = normals(5, own, 105);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together[1].const_data_ptr<float>()));
}

TEST(NoiseStream, EveryPartOfTheKeyMatters) {
    const std::vector<std::pair<std::uint64_t, NoiseKey>> keys{
        {0, {.purpose = Purpose::start}},
        {1, {.purpose = Purpose::start}},
        {std::uint64_t{1} << 63, {.purpose = Purpose::start}},
        {0, {.purpose = Purpose::step}},
        {0, {.purpose = Purpose::start, .image = 1}},
        {0, {.purpose = Purpose::start, .image = std::uint64_t{1} << 40}},
        {0, {.purpose = Purpose::start, .image = no_image}},
        {0, {.purpose = Purpose::start, .sample = 1}},
        {0, {.purpose = Purpose::start, .level = 1}},
        {0, {.purpose = Purpose::start, .inner = 1}},
        {0, {.purpose = Purpose::start, .image = ~std::uint64_t{0} - 1, .sample = ~0U, .level = ~0U, .inner = ~0U}},
    };
    std::set<std::vector<std::uint32_t>> seen;
    for (const auto& [seed, key] : keys) seen.insert(float_bits(normals(seed, key, 8)));
    EXPECT_EQ(seen.size(), keys.size());
}

TEST(NoiseStream, UniformsAreTheBitsOfTheirBlocks) {
    const NoiseKey key{.purpose = Purpose::mask, .image = 6};
    std::vector<double> values(10'001);
    NoiseStream(3).uniform(key, values);
    const operators::PhiloxKey philox_key = operators::derive_key(3, 5, 6, 0);
    double sum = 0;
    for (std::size_t e = 0; e < values.size(); ++e) {
        const std::uint32_t word = operators::field_block(philox_key, e / 4, 0, 0).word[e % 4];
        ASSERT_EQ(values[e], word / 4294967296.0);
        ASSERT_LT(values[e], 1);
        sum += values[e];
    }
    EXPECT_NEAR(sum / double(values.size()), 0.5, 4 * std::sqrt(1.0 / 12 / double(values.size())));
}

// Part of every result that there is: these must never change. Computed by another program, from the definition.
TEST(NoiseStream, FirstValuesAreFrozen) {
    EXPECT_THAT(float_bits(normals(0, {.purpose = Purpose::start}, 4)),
                testing::ElementsAre(0x3fa4b2b0, 0x3f3cacbc, 0x3f1dea35, 0xbf3140f2));
    EXPECT_THAT(
        float_bits(normals(1, {.purpose = Purpose::step, .image = 42, .sample = 3, .level = 999, .inner = 1}, 5)),
        testing::ElementsAre(0x3f4776ef, 0xc035c367, 0x3fa1caab, 0xbfaa30ba, 0x3dd826e9));
    EXPECT_THAT(float_bits(normals(20240607, {.purpose = Purpose::measurement, .image = no_image}, 3)),
                testing::ElementsAre(0x3eaec357, 0x3fb77903, 0xbf87d890));
    std::vector<double> uniforms(3);
    NoiseStream(7).uniform({.purpose = Purpose::mask, .image = 5}, uniforms);
    EXPECT_THAT(uniforms,
                testing::ElementsAre(2083409208 / 4294967296.0, 241090299 / 4294967296.0, 1483800093 / 4294967296.0));
}

TEST(NoiseStream, PurposesKeepTheirNumbers) {
    EXPECT_EQ(static_cast<int>(Purpose::start), 1);
    EXPECT_EQ(static_cast<int>(Purpose::step), 2);
    EXPECT_EQ(static_cast<int>(Purpose::guide), 3);
    EXPECT_EQ(static_cast<int>(Purpose::measurement), 4);
    EXPECT_EQ(static_cast<int>(Purpose::mask), 5);
    EXPECT_EQ(static_cast<int>(Purpose::kernel), 6);
    EXPECT_EQ(static_cast<int>(Purpose::counts), 7);
}

}  // namespace
