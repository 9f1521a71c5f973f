#include "jobs/merge.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "jobs/report/result_table.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "tests/jobs_results/made_campaign.h"

// The results file against what went into it: read by h5py and xarray, which know nothing of the program.

namespace {

/// The table's numbers, for the script to hold against its own.
void write_table(const std::filesystem::path& results, const std::filesystem::path& json_file) {
    nlohmann::json lines = nlohmann::json::array();
    for (const jobs::TableLine& line : jobs::table_lines(results)) {
        lines.push_back({{"method", line.method},
                         {"operator", line.operator_label},
                         {"sigma_y", line.sigma_y},
                         {"rows", line.rows},
                         {"images", line.images},
                         {"diverged", line.diverged},
                         {"nfe", line.nfe},
                         {"seconds", line.seconds},
                         {"psnr", {line.psnr.value, line.psnr.standard_error}},
                         {"ssim", {line.ssim.value, line.ssim.standard_error}},
                         {"lpips", {line.lpips.value, line.lpips.standard_error}}});
    }
    test_support::write_text(json_file, lines.dump());
}

/// Runs one check of check_results.py.
testing::AssertionResult passes(const std::string& check, const MadeCampaign& made) {
    write_table(made.results(), made.folder() / "table.json");
    const std::filesystem::path script = test_support::source_folder() / "tests" / "jobs_results" / "check_results.py";
    const test_support::CommandResult result = test_support::run_command("/usr/bin/python3 '" + script.string() + "' " +
                                                                         check + " '" + made.folder().string() + "'");
    if (result.exit_code == 0 && result.output == check + ": passed\n") return testing::AssertionSuccess();
    return testing::AssertionFailure() << result.output << result.errors;
}

std::string content_digest(const MadeCampaign& made) {
    return std::get<std::string>(pipeline::Hdf5File::open(made.results()).attribute("", "content_digest").value());
}

}  // namespace

class Merge : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        made_ = new MadeCampaign;
        made_->journal(4.0);
        result_ = jobs::merge(made_->campaign());
    }
    static void TearDownTestSuite() { delete made_; }
    static MadeCampaign* made_;
    static jobs::MergeResult result_;
};

MadeCampaign* Merge::made_ = nullptr;
jobs::MergeResult Merge::result_;

TEST_F(Merge, HasARowForEveryImageOfThePlan) {
    // box and blur × 2 levels × (2 t-start × 2 samples + dps) × 5 images, forward_reverse × 5, ddpm × 3.
    EXPECT_EQ(result_.rows, 4 * (2 * 2 + 1) * 5 + 5 + 3);
    EXPECT_EQ(result_.rows, made_->campaign().plan().rows());
    EXPECT_EQ(result_.units_missing, 0);
    EXPECT_EQ(result_.results, made_->results());
    EXPECT_TRUE(std::filesystem::exists(result_.csv));
}

TEST_F(Merge, H5pyFindsSchemaScalesAndAttributes) {
    EXPECT_TRUE(passes("schema", *made_));
}

TEST_F(Merge, ImagesAreThoseOfTheUnitsBitForBit) {
    EXPECT_TRUE(passes("images", *made_));
}

TEST_F(Merge, MeasurementsAreThoseOfTheirFilesBitForBit) {
    EXPECT_TRUE(passes("measurements", *made_));
}

TEST_F(Merge, PsnrAndSsimRecomputedFromImagesAgree) {
    EXPECT_TRUE(passes("metrics", *made_));
}

TEST_F(Merge, XarrayOpensItAndItsMeansAreTheTable) {
    EXPECT_TRUE(passes("xarray", *made_));
}

TEST_F(Merge, CsvHasTheSameColumnsAndSurvivesHostileNames) {
    EXPECT_TRUE(passes("csv", *made_));
}

TEST(MergeTwice, GivesTheSameContentDigestWhateverTheRunTook) {
    const MadeCampaign made("dataset = photos\nmethod = dps\noperator = box\nbatch = 2\nsteps = 20\n");
    made.journal(1.0);
    jobs::merge(made.campaign());
    const std::string first = content_digest(made);
    made.journal(2.5);
    jobs::merge(made.campaign());
    EXPECT_EQ(content_digest(made), first);

    made.make_unit(made.campaign().plan().unit(2), 0.5);
    jobs::merge(made.campaign());
    EXPECT_NE(content_digest(made), first) << "a changed unit must show";
}

TEST(MergePartly, LeavesMissingUnitsOutAndCountsThem) {
    // Neither the last block nor any unit of the weaker noise on the box.
    const MadeCampaign made(MadeCampaign::job_text(), [](const pipeline::WorkUnit& unit) {
        const bool is_weak_box = unit.configuration.operator_name == "box" && unit.configuration.sigma_y == 0.05;
        return unit.image_index.front() < 0 || (unit.block < 2 && !is_weak_box);
    });
    made.journal(4.0);
    const jobs::MergeResult result = jobs::merge(made.campaign());
    EXPECT_EQ(result.rows, 3 * (2 * 2 + 1) * 4 + 4 + 3);
    EXPECT_EQ(result.units_missing,
              made.campaign().plan().unit_count() - static_cast<std::int64_t>(made.campaign().committed().size()));
    EXPECT_GT(result.units_missing, 0);
    for (const char* check : {"schema", "images", "measurements", "metrics", "xarray", "csv"}) {
        EXPECT_TRUE(passes(check, made));
    }
    EXPECT_NE(jobs::result_table(made.results()).find(std::to_string(result.units_missing) + " units are missing"),
              std::string::npos);
}

TEST(MergePartly, NothingDoneYetIsAFileWithoutRows) {
    const MadeCampaign made(MadeCampaign::job_text(), [](const auto&) { return false; });
    const jobs::MergeResult result = jobs::merge(made.campaign());
    EXPECT_EQ(result.rows, 0);
    EXPECT_EQ(result.units_missing, made.campaign().plan().unit_count());
    EXPECT_TRUE(jobs::table_lines(result.results).empty());
}

TEST(MergeStore, EightBitRestorationsAreCopiedAndReadAsTheSameNumbers) {
    const MadeCampaign made(
        "dataset = photos\nmethod = dps\noperator = random\nbatch = 3\nsteps = 20\nstore = uint8\n");
    made.journal(4.0);
    jobs::merge(made.campaign());
    EXPECT_EQ(pipeline::Hdf5File::open(made.results()).read_rows("restored", 0, 1).scalar_type(), at::kByte);
    for (const char* check : {"images", "metrics", "xarray"}) EXPECT_TRUE(passes(check, made));
}

TEST(MergeDamage, NamesTheUnitAndKeepsTheResultsThatAreThere) {
    const MadeCampaign made("dataset = photos\nmethod = dps\noperator = box\nbatch = 2\nsteps = 20\n");
    jobs::merge(made.campaign());
    const std::string before = content_digest(made);
    const std::filesystem::path unit = made.folder() / pipeline::unit_path(1);
    std::filesystem::resize_file(unit, std::filesystem::file_size(unit) / 2);
    try {
        jobs::merge(made.campaign());
        FAIL() << "a cut unit was merged";
    } catch (const pipeline::FileError& error) {
        EXPECT_NE(std::string(error.what()).find("unit-000001.h5"), std::string::npos) << error.what();
    }
    EXPECT_EQ(content_digest(made), before);
}
