#include <gtest/gtest.h>

#include <string>

#include "pipeline/metrics/lpips.h"
#include "tests/conformance/hashed_weights.h"
#include "tests/pipeline/metrics/golden_pairs.h"

// The AlexNet and VGG16 paths against the reference, with weights that are a hash of their index.
class HashedLpips : public testing::TestWithParam<std::string> {};

TEST_P(HashedLpips, GoldenPairs) {
    const auto file = test_support::golden_metrics();
    const auto lpips = pipeline::Lpips::from_tensors(
        conformance::hashed_lpips_weights(file, "hashed_weights/" + GetParam()), "hashed");
    EXPECT_EQ(lpips.net(), GetParam());
    for (const auto& pair : test_support::golden_pairs(file)) {
        EXPECT_NEAR(lpips(pair.restored, pair.reference).at(0),
                    test_support::stored_number(file, pair, "lpips_" + GetParam() + "_hashed"), 1e-5)
            << pair.name;
    }
}

INSTANTIATE_TEST_SUITE_P(Nets, HashedLpips, testing::Values("alex", "vgg"),
                         [](const auto& info) { return info.param; });
