#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/data/hdf5.h"
#include "pipeline/diffusion/noise_schedule.h"
#include "tests/support/paths.h"

namespace {

using pipeline::space_timesteps;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal_of(int steps, const char* request) {
    try {
        space_timesteps(steps, request);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

TEST(SpaceTimesteps, RoundsLikeTheReference) {
    const auto file = pipeline::Hdf5File::open(test_support::golden_folder() / "schedule.h5");
    int cases = 0;
    for (const std::string& name : file.children("rounding")) {
        const std::string path = "rounding/" + name;
        const auto steps = std::get<std::int64_t>(file.attribute(path, "T").value());
        const auto request = std::get<std::string>(file.attribute(path, "respacing").value());
        const at::Tensor stored = file.read(path).contiguous();
        const std::vector<std::int64_t> expected(stored.const_data_ptr<std::int64_t>(),
                                                 stored.const_data_ptr<std::int64_t>() + stored.numel());
        const std::vector<int> own = space_timesteps(static_cast<int>(steps), request);
        EXPECT_THAT(std::vector<std::int64_t>(own.begin(), own.end()), testing::ElementsAreArray(expected)) << name;
        ++cases;
    }
    EXPECT_EQ(cases, 11);
}

TEST(SpaceTimesteps, HalvesGoToTheEvenNeighbour) {
    // Stride 4.5: 4.5 → 4 where rounding up gives 5
    EXPECT_THAT(space_timesteps(10, "3"), ElementsAre(0, 4, 9));
}

TEST(SpaceTimesteps, PlusAndCommaSeparateSections) {
    EXPECT_EQ(space_timesteps(1000, "10+15+20"), space_timesteps(1000, "10,15,20"));
    EXPECT_THAT(space_timesteps(9, "1+2+1"), ElementsAre(0, 3, 5, 6));
}

TEST(SpaceTimesteps, DdimTakesTheSmallestStride) {
    EXPECT_THAT(space_timesteps(1000, "ddim4"), ElementsAre(0, 250, 500, 750));
    EXPECT_THAT(space_timesteps(10, "ddim5"), ElementsAre(0, 2, 4, 6, 8));
    EXPECT_THAT(refusal_of(1000, "ddim300"), HasSubstr("no integer stride"));
}

TEST(SpaceTimesteps, RefusesWhatItCannotGive) {
    EXPECT_THAT(refusal_of(1000, "1001"), HasSubstr("cannot take 1001 timesteps from a section of 1000"));
    EXPECT_THAT(refusal_of(10, "4,7"), HasSubstr("cannot take 7 timesteps from a section of 5"));
    for (const char* request : {"", "0", "-5", "10,", "10++5", "ten", "10.5", "ddim", "ddim-2", "ddim0", "1e2", " 5"}) {
        EXPECT_NE(refusal_of(1000, request), "accepted") << "'" << request << "'";
        EXPECT_THAT(refusal_of(1000, request), HasSubstr(std::string("respacing '") + request + "'"));
    }
}

}  // namespace

TEST(SpaceTimesteps, GridsOfDiffusers) {
    EXPECT_THAT(space_timesteps(1000, "leading4"), ElementsAre(0, 250, 500, 750));
    EXPECT_THAT(space_timesteps(1000, "leading4+1"), ElementsAre(1, 251, 501, 751));
    EXPECT_THAT(space_timesteps(1000, "leading3"), ElementsAre(0, 333, 666));
    EXPECT_THAT(space_timesteps(1000, "linspace5"), ElementsAre(0, 250, 500, 749, 999));  // 249.75, 499.5, 749.25
    EXPECT_THAT(space_timesteps(1000, "linspace1"), ElementsAre(0));
    EXPECT_THAT(space_timesteps(1000, "trailing4"), ElementsAre(249, 499, 749, 999));
    EXPECT_THAT(space_timesteps(10, "trailing4"), ElementsAre(1, 4, 7, 9));  // 10, 7.5, 5, 2.5: halves to even
    EXPECT_THAT(space_timesteps(1000, "quadratic5"), ElementsAre(0, 50, 200, 450, 800));
    for (int count = 1; count <= 1000; ++count) {
        for (const std::string grid : {"leading", "linspace", "trailing"}) {
            const std::vector<int> timesteps = space_timesteps(1000, grid + std::to_string(count));
            ASSERT_EQ(timesteps.size(), static_cast<std::size_t>(count)) << grid;
            ASSERT_EQ(std::ranges::adjacent_find(timesteps, std::greater_equal<>()), timesteps.end()) << grid << count;
        }
    }
}

TEST(SpaceTimesteps, GridsThatDoNotFitAreRefused) {
    for (const char* request : {"leading0", "leading1001", "leading4+250", "leading", "trailing1001", "linspace0",
                                "quadratic500", "trailing4+1", "leading4+-1"}) {
        EXPECT_THROW(space_timesteps(1000, request), std::invalid_argument) << request;
    }
}
