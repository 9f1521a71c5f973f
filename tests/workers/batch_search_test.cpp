#include "workers/batch_search.h"

#include <gtest/gtest.h>

#include <vector>

// How many images a device takes, found with devices that are formulas.

namespace {

/// What a device of so much memory answers, and what it was asked.
struct DeviceOfFormula {
    double fixed = 0, image = 1, memory = 0;
    std::vector<int> asked = {};

    std::optional<int> find(int most, double budget) {
        return workers::find_batch(most, budget, [this](int batch) -> std::optional<double> {
            asked.push_back(batch);
            const double bytes = fixed + image * batch;
            return bytes <= memory ? std::optional(bytes) : std::nullopt;
        });
    }
};

}  // namespace

TEST(BatchSearch, TakesWhatTheLineThroughTwoTrialsAllowsAndTriesIt) {
    DeviceOfFormula device{.fixed = 10, .image = 2, .memory = 100};
    EXPECT_EQ(device.find(1000, 80), 32);  // 35 fit
    EXPECT_EQ(device.asked, (std::vector<int>{1, 4, 32}));
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 1, .memory = 1e9}.find(1000, 1e8)), 64);
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 1, .memory = 1e9}.find(20, 1e8)), 16);
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 1, .memory = 1e9}.find(3, 1e8)), 3);
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 1, .memory = 1e9}.find(1, 1e8)), 1);
}

TEST(BatchSearch, GoesDownWhereTheTrialDoesNotFit) {
    // Memory is fragmented: less than the budget is there in fact.
    DeviceOfFormula device{.fixed = 10, .image = 2, .memory = 50};
    EXPECT_EQ(device.find(1000, 80), 16);
    EXPECT_EQ(device.asked, (std::vector<int>{1, 4, 32, 24, 16}));
}

TEST(BatchSearch, SmallDevicesTakeFewOrNone) {
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 10, .memory = 19}.find(8, 100)), std::nullopt);
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 10, .memory = 20}.find(8, 100)), 1);
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 10, .memory = 35}.find(8, 100)), 2);
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 10, .memory = 75}.find(8, 100)), 4);
    EXPECT_EQ((DeviceOfFormula{.fixed = 10, .image = 10, .memory = 100}.find(8, 15)), std::nullopt);
}
