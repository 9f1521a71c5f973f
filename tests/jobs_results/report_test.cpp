#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "jobs/merge.h"
#include "jobs/report/canvas.h"
#include "jobs/report/contact_sheet.h"
#include "jobs/report/font.h"
#include "jobs/report/result_table.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/image_file.h"
#include "tests/jobs_results/made_campaign.h"

namespace {

std::string line_with(const std::string& text, const std::string& part) {
    const std::size_t found = text.find(part);
    if (found == std::string::npos) return "";
    const std::size_t begin = text.rfind('\n', found) + 1;
    return text.substr(begin, text.find('\n', found) - begin);
}

}  // namespace

class Report : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        made_ = new MadeCampaign;
        made_->journal(4.0);
        jobs::merge(made_->campaign());
    }
    static void TearDownTestSuite() { delete made_; }
    static std::vector<jobs::TableLine> lines() { return jobs::table_lines(made_->results()); }
    static MadeCampaign* made_;
};

MadeCampaign* Report::made_ = nullptr;

TEST_F(Report, HasALineForEveryPointAndMeasurement) {
    std::vector<std::string> methods;
    for (const jobs::TableLine& line : lines()) methods.push_back(line.method);
    const std::vector<std::string> group = {"(measurement)", "sdedit t-start=200", "sdedit t-start=500", "dps"};
    std::vector<std::string> wanted;
    for (int i = 0; i < 4; ++i) wanted.insert(wanted.end(), group.begin(), group.end());
    for (const char* method : {"(measurement)", "forward_reverse", "ddpm"}) wanted.emplace_back(method);
    EXPECT_EQ(methods, wanted);
}

TEST_F(Report, LinesCountImagesRowsAndWhatDiverged) {
    const jobs::TableLine first = lines().at(1);
    EXPECT_EQ(first.operator_label, "box size=24");
    EXPECT_EQ(first.sigma_y, 0.1);
    EXPECT_EQ(first.images, 5);
    EXPECT_EQ(first.rows, 9);
    EXPECT_EQ(first.diverged, 1);
    EXPECT_EQ(first.nfe, 20);
    // Units of two images took 4 s, the units of the last one as well.
    EXPECT_NEAR(first.seconds, (8 * 2 + 2 * 4) / 10.0, 1e-12);
    const jobs::TableLine generated = lines().back();
    EXPECT_EQ(generated.operator_label, "none");
    EXPECT_EQ(generated.images, 3);
    EXPECT_TRUE(std::isnan(generated.psnr.value));
}

TEST_F(Report, TextShowsEveryNumberAndNamesWhatDiverged) {
    const std::string text = jobs::result_table(made_->results());
    char number[48];
    for (const jobs::TableLine& line : lines()) {
        if (!std::isfinite(line.psnr.value)) continue;
        std::snprintf(number, sizeof number, "%.2f ± %.2f", line.psnr.value, line.psnr.standard_error);
        EXPECT_NE(line_with(text, number).find(line.method), std::string::npos) << text;
    }
    EXPECT_NE(text.find("0.1 (0.05)"), std::string::npos) << text;
    EXPECT_NE(line_with(text, "1 diverged").find("sdedit t-start=200 on box size=24"), std::string::npos) << text;
    EXPECT_EQ(line_with(text, "ddpm").find("0 ±"), std::string::npos) << text;
}

TEST_F(Report, ControlCharactersOfNamesDoNotReachTheTerminal) {
    // Unit 1 diverged: here the second sample of the photo whose name has a line break.
    const MadeCampaign made(
        "dataset = photos\nimages = 0-0\nmethod = dps\noperator = box\nsamples = 2\nbatch = 1\nsteps = 20\n");
    jobs::merge(made.campaign());
    const std::string line = line_with(jobs::result_table(made.results()), "1 diverged");
    EXPECT_NE(line.find("a, \"cat\"\\x0ain two lines.png sample 1"), std::string::npos) << line;
}

TEST_F(Report, ContactSheetShowsTruthWhereItIsLabelled) {
    const std::filesystem::path png = made_->folder() / "table.png";
    ASSERT_TRUE(jobs::write_contact_sheet(made_->results(), png));
    const at::Tensor picture = pipeline::read_image(png);
    ASSERT_EQ(picture.size(0), 3);
    // Wide enough for truth, measurement and three methods of 128 pixels; five blocks with five images each.
    EXPECT_GE(picture.size(2), 5 * 128);
    EXPECT_GE(picture.size(1), 5 * 5 * 128);

    // Somewhere in the first column stands the first photo, every pixel twice.
    const auto photo = pipeline::read_image(test_support::source_folder() / "jobs/quickstart/images/chelsea.png");
    bool is_found = false;
    for (std::int64_t y = 0; y < 200 && !is_found; ++y) {
        const at::Tensor tile = picture.slice(1, y, y + 128, 2).slice(2, 24, 24 + 128, 2);
        is_found = tile.sizes() == photo.sizes() && (tile - photo).abs().max().item<double>() < 1e-6;
    }
    EXPECT_TRUE(is_found);
}

TEST_F(Report, SampleGridShowsAllSamples) {
    const std::filesystem::path png = made_->folder() / "samples.png";
    ASSERT_TRUE(jobs::write_sample_grid(made_->results(), png));
    const pipeline::ImageHeader header = pipeline::check_image(png);
    EXPECT_GE(header.width, 2 * 128);
    EXPECT_GE(header.height, 2 * 128);
}

TEST_F(Report, PicturesAreNotDrawnWhereThereIsNothingToShow) {
    const MadeCampaign made("dataset = photos\nmethod = dps\noperator = box\nbatch = 2\nsteps = 20\n");
    jobs::merge(made.campaign());
    EXPECT_FALSE(jobs::write_sample_grid(made.results(), made.folder() / "samples.png"));
    EXPECT_FALSE(std::filesystem::exists(made.folder() / "samples.png"));
    const MadeCampaign generated("dataset = photos\nmethod = ddpm\nsteps = 20\n");
    jobs::merge(generated.campaign());
    EXPECT_FALSE(jobs::write_contact_sheet(generated.results(), generated.folder() / "table.png"));
}

TEST_F(Report, ForeignFileIsRefusedByName) {
    EXPECT_THROW(jobs::result_table(made_->folder() / pipeline::unit_path(0)), pipeline::FileError);
}

TEST(Font, EveryCharacterButTheBlankHasInkThatStaysInItsCell) {
    for (const jobs::Face face : {jobs::Face::regular, jobs::Face::bold}) {
        for (const char32_t character : jobs::drawable("AZaz09~!±×−–…·σζλγη→°≥≤")) {
            int total = 0;
            for (int y = 0; y < jobs::glyph_height(face); ++y) {
                for (int x = 0; x < jobs::glyph_width(face); ++x) total += jobs::ink(face, character, x, y);
            }
            EXPECT_GT(total, 255) << static_cast<std::uint32_t>(character);
        }
    }
    EXPECT_EQ(jobs::drawable("σ_y"), U"σ_y");
    EXPECT_EQ(jobs::drawable("\xff漢"), U"??");
    EXPECT_EQ(jobs::drawable("ends in \xcf"), U"ends in ?");
}

TEST(Canvas, DrawsInsideItsBordersAlone) {
    jobs::Canvas canvas(20, 10, {255, 255, 255});
    canvas.fill(-5, -5, 8, 8, {1, 2, 3});
    canvas.draw_text(15, 5, "XX", jobs::Face::regular, {0, 0, 0});
    EXPECT_EQ(canvas.at(2, 2).blue, 3);
    EXPECT_EQ(canvas.at(3, 3).blue, 255);
    EXPECT_THROW(jobs::Canvas(0, 10, {}), std::invalid_argument);
}

TEST(Canvas, CutsTextBetweenCharacters) {
    EXPECT_EQ(jobs::fitted("σσσσ", jobs::Face::regular, 4 * 8), "σσσσ");
    EXPECT_EQ(jobs::fitted("σσσσ", jobs::Face::regular, 3 * 8), "σσ…");
}
