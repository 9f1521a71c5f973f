#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include "tests/support/paths.h"

namespace {

namespace fs = std::filesystem;

using test_support::golden_folder;
using test_support::TemporaryFolder;
using testing::HasSubstr;

test_support::CommandResult conformance(const fs::path& folder) {
    return test_support::run_command((test_support::binary_folder() / "conformance").string() + " " + folder.string());
}

void run_script(const std::string& name, const std::string& arguments) {
    const fs::path script = test_support::source_folder() / "tests" / "conformance" / name;
    const auto result = test_support::run_command("/usr/bin/python3 " + script.string() + " " + arguments);
    ASSERT_EQ(result.exit_code, 0) << result.errors;
}

/// Verdicts of the last line.
struct Count {
    int passed = -1, failed = -1, skipped = -1;
};

Count count_of(const std::string& output) {
    static const std::regex form(R"((?:^|\n)(\d+) passed, (\d+) failed, (\d+) skipped\n$)");
    std::smatch numbers;
    if (!std::regex_search(output, numbers, form)) return {};
    return {std::stoi(numbers[1]), std::stoi(numbers[2]), std::stoi(numbers[3])};
}

/// A folder with one topic of the golden set.
void copy_topic(const std::string& topic, const fs::path& folder) {
    const auto copy = [&](const std::string& name) {
        if (fs::exists(golden_folder() / name))
            fs::copy(golden_folder() / name, folder / name, fs::copy_options::recursive);
    };
    copy(topic + ".h5");
    if (topic == "networks" || topic == "samplers") copy("weights");
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        fs::permissions(entry.path(), fs::perms::owner_write, fs::perm_options::add);
    }
}

struct Change {
    std::string topic;
    std::string value;  ///< As change_value.py takes it.
    std::string line;   ///< What the failing case is called.
};

}  // namespace

class OneChangedValue : public testing::TestWithParam<Change> {};

TEST_P(OneChangedValue, MakesItsCaseFail) {
    const Change& change = GetParam();
    const TemporaryFolder folder;
    copy_topic(change.topic, folder.path());
    run_script("change_value.py", (folder / (change.topic + ".h5")).string() + " " + change.value);
    const auto result = conformance(folder.path());
    EXPECT_NE(result.exit_code, 0);
    EXPECT_GE(count_of(result.output).failed, 1) << result.output;
    const std::regex line("\n?" + change.line + " .*failed");
    EXPECT_TRUE(std::regex_search(result.output, line)) << result.output;
}

INSTANTIATE_TEST_SUITE_P(Topics, OneChangedValue,
                         testing::Values(Change{"networks", "gd_b/vjp", "networks/gd_b +vjp"},
                                         Change{"networks", "gd_a/out_f64", "networks/gd_a +out_f64"},
                                         Change{"schedule", "cosine_1000/respaced_21/timestep_map 3",
                                                "schedule/cosine_1000/respaced_21 +timestep_map"},
                                         Change{"schedule", "linear_1000/betas 17", "schedule/linear_1000 +betas"},
                                         Change{"operators", "motion_blur/ATv", "operators/motion_blur +ATv"},
                                         Change{"samplers", "dps/random_tail/x --keep dps noise measurements",
                                                "samplers/dps/random_tail +x, step by step"},
                                         Change{"metrics", "pairs/quantised@lpips_vgg_hashed",
                                                "metrics/pairs/quantised +lpips_vgg_hashed"},
                                         Change{"metrics", "pairs/blur_15@ssim", "metrics/pairs/blur_15 +ssim"}));

TEST(Conformance, ASafetensorsFileThatShouldBeRefusedAndIsNotFails) {
    const TemporaryFolder folder;
    fs::create_directories(folder / "loader");
    fs::copy(golden_folder() / "loader" / "ok.safetensors", folder / "loader/bad_or_not.safetensors");
    const auto result = conformance(folder.path());
    EXPECT_NE(result.exit_code, 0);
    EXPECT_EQ(count_of(result.output).failed, 1) << result.output;
}

TEST(Conformance, NothingPassedIsNoSuccess) {
    const TemporaryFolder folder;
    const auto result = conformance(folder.path());
    EXPECT_NE(result.exit_code, 0);
    EXPECT_EQ(result.output, "0 passed, 0 failed, 0 skipped\n");
    EXPECT_NE(conformance(folder / "missing").exit_code, 0);
}

TEST(Conformance, WhatIsNotBuiltIsSkippedByName) {
    const TemporaryFolder folder;
    copy_topic("operators", folder.path());
    const auto result = conformance(folder.path());
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_TRUE(std::regex_search(result.output, std::regex("operators/phase_retrieval +Ax +skipped \\(")));
    EXPECT_GT(count_of(result.output).skipped, 0);
}

TEST(Conformance, AnotherFolderIsJustAnotherFolder) {
    const TemporaryFolder folder;
    run_script("other_folder.py", golden_folder().string() + " " + folder.path().string());

    // Other sizes, shapes and lengths
    const auto synthetic = conformance(folder / "synthetic");
    EXPECT_EQ(synthetic.exit_code, 0) << synthetic.output;
    EXPECT_THAT(synthetic.output, HasSubstr("operators/a_mask_each"));
    EXPECT_THAT(synthetic.output, HasSubstr("schedule/short/five"));
    EXPECT_GE(count_of(synthetic.output).passed, 14) << synthetic.output;
    EXPECT_EQ(count_of(synthetic.output).skipped, 1) << synthetic.output;

    // Other names, rows and batches
    const auto renamed = conformance(folder / "renamed");
    EXPECT_EQ(renamed.exit_code, 0) << renamed.output;
    for (const char* group : {"networks/classes", "ddpm/three_rows", "ddim/half", "sdedit/no_clamp", "dps/two_rows",
                              "score_ald/a_rule", "measurements/hole"}) {
        EXPECT_THAT(renamed.output, HasSubstr(group));
    }
    EXPECT_TRUE(std::regex_search(renamed.output, std::regex("annealing/unknown_method .*skipped \\(")));
}

TEST(Conformance, NetworksAndOperatorsWrittenASecondTimeAgree) {
    // Non-square, other channel counts and switches, classes, diffusers' folders: computed in NumPy from the
    // descriptions
    const TemporaryFolder folder;
    run_script("unseen_folder.py", (folder / "unseen").string());
    const auto result = conformance(folder / "unseen");
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_EQ(count_of(result.output).passed, 27) << result.output;
    EXPECT_EQ(count_of(result.output).skipped, 0) << result.output;
}
