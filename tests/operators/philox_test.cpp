// Philox against its published known answers.

#include <array>
#include <cstdint>

#include <gtest/gtest.h>

#include "operators/kernels/philox.h"

namespace {

struct KnownAnswer {
    std::array<std::uint32_t, 4> counter;
    std::array<std::uint32_t, 2> key;
    std::array<std::uint32_t, 4> answer;
};

// philox4x32-10 in Random123's kat_vectors.
constexpr KnownAnswer known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

TEST(Philox, GivesThePublishedAnswers) {
    for (const KnownAnswer& known : known_answers) {
        const auto& [c0, c1, c2, c3] = known.counter;
        const operators::PhiloxBlock block = operators::philox({{c0, c1, c2, c3}}, {known.key[0], known.key[1]});
        for (int lane = 0; lane < 4; ++lane) EXPECT_EQ(block.word[lane], known.answer[std::size_t(lane)]);
    }
}

TEST(Philox, KeyDependsOnEveryBitOfSeedImageSampleAndPurpose) {
    const auto packed = [](operators::PhiloxKey key) { return std::uint64_t{key.high} << 32 | key.low; };
    const std::uint64_t base = packed(operators::derive_key(5, 4, 6, 7));
    for (int bit = 0; bit < 64; ++bit) {
        EXPECT_NE(packed(operators::derive_key(5 ^ (std::uint64_t{1} << bit), 4, 6, 7)), base) << bit;
        EXPECT_NE(packed(operators::derive_key(5, 4, 6 ^ (std::uint64_t{1} << bit), 7)), base) << bit;
    }
    for (int bit = 0; bit < 32; ++bit) {
        EXPECT_NE(packed(operators::derive_key(5, 4 ^ (1U << bit), 6, 7)), base) << bit;
        EXPECT_NE(packed(operators::derive_key(5, 4, 6, 7 ^ (1U << bit))), base) << bit;
    }
}

}  // namespace
