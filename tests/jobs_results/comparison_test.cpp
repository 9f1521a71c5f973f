#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "jobs/job_error.h"
#include "jobs/merge.h"
#include "jobs/report/comparison_csv.h"
#include "jobs/report/latex_table.h"
#include "jobs/report/report_json.h"
#include "jobs/report/report_runs.h"
#include "jobs/report/write_report.h"
#include "tests/jobs_results/made_campaign.h"

// Several runs in one report, and the files beside it.

namespace {

using Json = nlohmann::json;

std::string dps_job(const std::string& zeta) {
    return "dataset = photos\nseed = 7\nsteps = 20\nbatch = 2\nmethod = dps\noperator = box\nsigma-y = "
           "0.1\n[dps]\nzeta = " +
           zeta + "\n[box]\nsize = 24\n";
}

/// A line of CSV as its fields (RFC 4180, without line breaks in fields).
std::vector<std::string> csv_fields(const std::string& line) {
    std::vector<std::string> fields(1);
    bool is_quoted = false;
    for (const char c : line) {
        if (c == '"')
            is_quoted = !is_quoted;
        else if (c == ',' && !is_quoted)
            fields.emplace_back();
        else if (c != '\r')
            fields.back() += c;
    }
    return fields;
}

std::vector<std::map<std::string, std::string>> csv_rows(const std::string& text) {
    std::istringstream stream(text);
    std::string line;
    std::getline(stream, line);
    const std::vector<std::string> names = csv_fields(line);
    std::vector<std::map<std::string, std::string>> rows;
    while (std::getline(stream, line)) {
        const std::vector<std::string> fields = csv_fields(line);
        EXPECT_EQ(fields.size(), names.size()) << line;
        rows.emplace_back();
        for (std::size_t i = 0; i < std::min(names.size(), fields.size()); ++i) rows.back()[names[i]] = fields[i];
    }
    return rows;
}

/// Columns of a LaTeX row: its unescaped ampersands, and one.
std::size_t latex_columns(const std::string& line) {
    std::size_t columns = 1;
    for (std::size_t i = 0; i < line.size(); ++i) columns += line[i] == '&' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
    return columns;
}

}  // namespace

class Comparison : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        one_ = new MadeCampaign(dps_job("0.5"));
        other_ = new MadeCampaign(dps_job("1"));
        // The other's images are nearer to the truth.
        for (std::int64_t unit = 0; unit < other_->campaign().plan().unit_count(); ++unit) {
            other_->make_unit(other_->campaign().plan().unit(unit), 0.02);
        }
        for (const MadeCampaign* made : {one_, other_}) {
            made->journal(2.0);
            jobs::merge(made->campaign());
        }
    }
    static void TearDownTestSuite() {
        delete one_;
        delete other_;
    }
    static std::vector<jobs::ReportRun> runs() { return jobs::read_report_runs({one_->folder(), other_->folder()}); }
    static MadeCampaign* one_;
    static MadeCampaign* other_;
};

MadeCampaign* Comparison::one_ = nullptr;
MadeCampaign* Comparison::other_ = nullptr;

TEST_F(Comparison, PointsOfTheSameMeasurementStandInOneGroup) {
    const auto all = runs();
    const auto groups = jobs::report_groups(all);
    ASSERT_EQ(groups.size(), 1U);
    ASSERT_EQ(groups[0].lines.size(), 2U);
    // The setting in which the runs differ, which neither run alone would name
    EXPECT_EQ(groups[0].lines[0].label, "dps zeta=0.5");
    EXPECT_EQ(groups[0].lines[1].label, "dps zeta=1");
    EXPECT_NE(all[0].name, all[1].name) << "folders of one name are told apart by their paths";

    const Json json = jobs::report_json(all, groups);
    EXPECT_FALSE(json.at("points")[0].at("metrics").at("psnr").at("is_best").get<bool>());
    EXPECT_TRUE(json.at("points")[1].at("metrics").at("psnr").at("is_best").get<bool>());
    EXPECT_LT(json.at("points")[0].at("metrics").at("psnr").at("difference").at("interval").at(1).get<double>(), 0);
    EXPECT_EQ(json.at("points")[0].at("metrics").at("psnr").at("difference").at("images"), 4) << "one of five diverged";
}

TEST_F(Comparison, CsvHasALineForEachRunAndTheirDifference) {
    const auto all = runs();
    const auto groups = jobs::report_groups(all);
    const auto summary = csv_rows(jobs::comparison_summary_csv(all, groups));
    EXPECT_EQ(std::ranges::count_if(summary, [](const auto& row) { return row.at("metric") == "psnr"; }), 2);
    for (const auto& row : summary) EXPECT_GT(std::stod(row.at("images")), 0);
    const auto differences = csv_rows(jobs::comparison_differences_csv(all, groups));
    const auto psnr = std::ranges::find_if(differences, [](const auto& row) { return row.at("metric") == "psnr"; });
    ASSERT_NE(psnr, differences.end());
    EXPECT_EQ(psnr->at("first_run"), all[0].name);
    EXPECT_EQ(psnr->at("second_run"), all[1].name);
    EXPECT_LT(std::stod(psnr->at("mean")), 0);
}

TEST_F(Comparison, OtherImagesAreAGroupOfTheirOwn) {
    const MadeCampaign less("images = 0-2\n" + dps_job("1"));
    jobs::merge(less.campaign());
    auto all = jobs::read_report_runs({one_->folder(), less.folder()});
    const auto same = jobs::report_groups(all);
    // A part of the same dataset can be compared; another dataset cannot
    const bool is_one_dataset = all[0].plan.dataset_digest() == all[1].plan.dataset_digest();
    EXPECT_EQ(same.size(), is_one_dataset ? 1U : 2U);
    EXPECT_EQ(same[0].dataset.empty(), is_one_dataset);
}

TEST_F(Comparison, FoldersThatCannotBeComparedAreRefused) {
    EXPECT_THROW(jobs::read_report_runs({one_->folder(), one_->folder() / "."}), jobs::JobError);
    EXPECT_THROW(jobs::read_report_runs({one_->folder(), "/nowhere"}), jobs::JobError);
}

TEST_F(Comparison, EveryFileIsWrittenBesideThePage) {
    const test_support::TemporaryFolder folder;
    const auto written = jobs::write_report({one_->folder(), other_->folder()}, folder / "out.html",
                                            {.csv = true, .json = true, .latex = true, .png = true});
    for (const auto& path : written) {
        EXPECT_TRUE(std::filesystem::exists(path)) << path;
        EXPECT_EQ(path.parent_path(), folder.path());
    }
    EXPECT_EQ(written.size(), 7U) << "page, two CSV, JSON, LaTeX, a sheet for each run";
    const Json json = Json::parse(test_support::read_text(folder / "report.json"));
    EXPECT_EQ(json.at("schema"), "diffinv-report");
    EXPECT_EQ(json.at("runs").size(), 2U);
    EXPECT_FALSE(json.contains("page"));
}

TEST(LatexTable, IsWhatPapersPrint) {
    MadeCampaign made;
    jobs::merge(made.campaign());
    const auto runs = jobs::read_report_runs({made.folder()});
    const std::string text = jobs::latex_table(runs, jobs::report_groups(runs));
    std::istringstream stream(text);
    std::string line;
    std::size_t columns = 0, tables = 0, rows = 0;
    while (std::getline(stream, line)) {
        EXPECT_EQ(std::ranges::count(line, '{'), std::ranges::count(line, '}')) << line;
        if (line.starts_with("\\begin{tabular}{l")) {
            columns = static_cast<std::size_t>(std::ranges::count(line, 'r')) + 1 - 1;  // of "tabular"
            ++tables;
        }
        if (line.starts_with("Method") || line.starts_with("dps") || line.starts_with("sdedit")) {
            EXPECT_EQ(latex_columns(line), columns) << line;
            EXPECT_TRUE(line.ends_with("\\\\")) << line;
            ++rows;
        }
    }
    EXPECT_EQ(tables, 2U) << "five measurements, three a table";
    EXPECT_GT(rows, 5U);
    for (const char* word : {"\\toprule", "\\midrule", "\\bottomrule", "\\cmidrule", "\\textbf{", "\\underline{",
                             "box size=24, $\\sigma_y = 0.1$", "forward\\_reverse", "PSNR $\\uparrow$"}) {
        EXPECT_NE(text.find(word), std::string::npos) << word;
    }
    EXPECT_EQ(text.find("ddpm"), std::string::npos) << "generated images have no metrics";
}

TEST(LatexTable, EscapesWhatLatexWouldRead) {
    EXPECT_EQ(jobs::latex_escaped("a_b & 50% {x} \\input~^#$\n"),
              "a\\_b \\& 50\\% \\{x\\} \\textbackslash{}input\\textasciitilde{}\\textasciicircum{}\\#\\$ ");
}
