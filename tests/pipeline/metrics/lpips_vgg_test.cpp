#include <gtest/gtest.h>

#include "pipeline/metrics/lpips.h"
#include "tests/pipeline/metrics/golden_pairs.h"

// The published numbers of the lpips package for the net vgg, from weights in float32.
TEST(LpipsVgg, GivesThePublishedVector) {
    const pipeline::Lpips lpips = pipeline::Lpips::from_file(LPIPS_VGG_FILE);
    EXPECT_EQ(lpips.net(), "vgg");
    const at::Tensor reference = test_support::test_image("lpips", "ex_ref.png");
    EXPECT_NEAR(lpips(test_support::test_image("lpips", "ex_p0.png"), reference).at(0), 0.568613, 1e-5);
    EXPECT_NEAR(lpips(test_support::test_image("lpips", "ex_p1.png"), reference).at(0), 0.421664, 1e-5);
}
