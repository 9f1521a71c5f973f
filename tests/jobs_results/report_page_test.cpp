#include "jobs/report/report_page.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "jobs/job_error.h"
#include "jobs/journal.h"
#include "jobs/merge.h"
#include "jobs/report/page_images.h"
#include "jobs/report/picture_bytes.h"
#include "jobs/report/report_json.h"
#include "jobs/report/rerun_command.h"
#include "jobs/report/result_images.h"
#include "jobs/report/run_timeline.h"
#include "jobs/report/summary.h"
#include "pipeline/data/image_file.h"
#include "tests/jobs_results/made_campaign.h"

namespace {

using Json = nlohmann::json;

const std::string hostile = "</script><img src=x onerror=alert(1)>\"'`]]>\x01\x1b[31m\u2028\u2029&amp;<!--\xff";

/// What a browser's parser takes for the page's data: up to the first end tag.
std::string data_block(const std::string& page) {
    const std::string open = R"(<script type="application/json" id="data">)";
    const std::size_t begin = page.find(open) + open.size();
    return page.substr(begin, page.find("</script", begin) - begin);
}

std::size_t occurrences(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

std::string page_decoded(const std::string& text) {
    std::string bytes;
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        int count = 0;
        for (std::size_t j = 0; j < 4; ++j) {
            group = group << 6 | (text[i + j] == '=' ? 0 : static_cast<std::uint32_t>(digits.find(text[i + j])));
            count += text[i + j] == '=' ? 0 : 1;
        }
        for (int j = 0; j < count - 1; ++j) bytes += static_cast<char>(group >> (16 - 8 * j) & 255);
    }
    return bytes;
}

}  // namespace

class ReportPage : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        made_ = new MadeCampaign;
        made_->journal(4.0);
        jobs::merge(made_->campaign());
        runs_ = new std::vector<jobs::ReportRun>(jobs::read_report_runs({made_->folder()}));
    }
    static void TearDownTestSuite() {
        delete runs_;
        delete made_;
    }
    static Json data() { return Json::parse(data_block(jobs::report_page(*runs_))); }
    static MadeCampaign* made_;
    static std::vector<jobs::ReportRun>* runs_;
};

MadeCampaign* ReportPage::made_ = nullptr;
std::vector<jobs::ReportRun>* ReportPage::runs_ = nullptr;

TEST_F(ReportPage, HoldsTheNumbersOfTheSummary) {
    const Json json = data();
    for (const jobs::SummaryLine& line : jobs::summary_lines(made_->results())) {
        bool is_found = false;
        for (const Json& point : json.at("points")) {
            const Json& group = json.at("groups").at(point.at("group").get<std::size_t>());
            if (point.at("label") != line.method || group.at("operator") != line.operator_label) continue;
            if (std::abs(group.at("sigma_y").get<double>() - line.sigma_y) > 1e-9) continue;
            const Json& metric = point.at("metrics").at(line.metric);
            EXPECT_NEAR(metric.at("mean").get<double>(), line.mean, 1e-5 * std::abs(line.mean));
            EXPECT_NEAR(metric.at("interval").at(0).get<double>(), line.interval.low, 1e-5 * std::abs(line.mean));
            EXPECT_EQ(metric.at("images"), line.images);
            is_found = true;
        }
        EXPECT_TRUE(is_found) << line.method << " " << line.operator_label << " " << line.metric;
    }
}

TEST_F(ReportPage, TellsTheBestOfEachMeasurementAndHowFarTheOthersAre) {
    const Json json = data();
    for (std::size_t g = 0; g < json.at("groups").size(); ++g) {
        for (const char* metric : {"psnr", "lpips"}) {
            double best = std::nan("");
            int count = 0;
            for (const Json& point : json.at("points")) {
                if (point.at("group") != g || !point.at("metrics").contains(metric)) continue;
                const Json& numbers = point.at("metrics").at(metric);
                count += numbers.at("is_best").get<bool>() ? 1 : 0;
                if (numbers.at("is_best").get<bool>()) best = numbers.at("mean").get<double>();
                EXPECT_EQ(numbers.contains("difference"), !numbers.at("is_best").get<bool>());
            }
            if (json.at("groups")[g].at("is_generation").get<bool>()) {
                EXPECT_EQ(count, 0);
                continue;
            }
            EXPECT_EQ(count, 1) << metric;
            for (const Json& point : json.at("points")) {
                if (point.at("group") != g) continue;
                const double mean = point.at("metrics").at(metric).at("mean").get<double>();
                EXPECT_GE(std::string(metric) == "psnr" ? best - mean : mean - best, -1e-9);
            }
        }
    }
}

TEST_F(ReportPage, NamesOfARunNeverBecomeMarkup) {
    std::vector<jobs::ReportRun> runs = *runs_;
    for (std::string& name : runs[0].rows.image_name) name = hostile + name;
    runs[0].name = hostile;
    runs[0].attributes["model"] = hostile;
    const std::string page = jobs::report_page(runs);

    // Three scripts and no other markup than the page's own, wherever the names stand
    EXPECT_EQ(occurrences(page, "<img"), 0U);
    EXPECT_EQ(occurrences(page, "onerror=alert"), occurrences(data_block(page), "onerror=alert"));
    const std::string block = data_block(page);
    for (const char* part : {"<", ">", "&", "\u2028", "\u2029", "\x01", "\x1b", "\n"}) {
        EXPECT_EQ(block.find(part), std::string::npos) << part;
    }
    // And what a script reads is what was written, but for the byte that is no UTF-8
    const std::string kept = hostile.substr(0, hostile.size() - 1) + "\uFFFD";
    const Json json = Json::parse(block);
    EXPECT_EQ(json.at("runs").at(0).at("name"), kept);
    EXPECT_EQ(json.at("runs").at(0).at("attributes").at("model"), kept);
    EXPECT_TRUE(json.at("page").at("images").at("groups").at(0).at(0).at("name").get<std::string>().starts_with(kept));
}

TEST_F(ReportPage, ShowsThePicturesThemselves) {
    const Json json = data();
    const Json& images = json.at("page").at("images");
    const jobs::ReportRun& run = runs_->front();
    int compared = 0;
    for (const Json& entry : images.at("groups").at(0)) {
        const std::string truth = page_decoded(images.at("pictures").at(entry.at("truth").get<std::size_t>()));
        const at::Tensor shown = pipeline::decode_image(truth, "truth");
        const at::Tensor stored =
            jobs::ResultImages(run.results).truth(entry.at("number").get<std::int64_t>()).permute({2, 0, 1});
        EXPECT_LE((shown - stored).abs().max().item<double>(), 1.01 / 255);
        ++compared;
    }
    EXPECT_EQ(compared, 5);
    // The row that diverged has no picture, and says why
    bool has_diverged = false;
    for (const Json& group : images.at("groups")) {
        for (const Json& entry : group) {
            for (const Json& cell : entry.at("cells")) {
                if (cell.contains("status")) has_diverged = cell.at("status") == "diverged" && cell.at("picture") == -1;
            }
        }
    }
    EXPECT_TRUE(has_diverged);
}

TEST_F(ReportPage, SamplesImagesToKeepToItsLimitAndSaysSo) {
    const std::string whole = jobs::report_page(*runs_);
    const Json all = Json::parse(data_block(whole)).at("page").at("images");
    EXPECT_EQ(all.at("images_shown"), all.at("images"));
    EXPECT_EQ(all.at("averaged"), 1);

    // Room for nine tenths of the pictures, and what a page keeps free
    const std::size_t pictures = all.at("pictures").dump().size();
    const std::size_t limit = (whole.size() - pictures / 10) * 20 / 19;
    const std::string page = jobs::report_page(*runs_, limit);
    EXPECT_LE(page.size(), limit);
    EXPECT_GT(page.size(), limit / 2);
    const Json some = Json::parse(data_block(page)).at("page").at("images");
    EXPECT_EQ(some.at("images_shown"), 4);
    EXPECT_EQ(some.at("averaged"), 1);
    EXPECT_EQ(page, jobs::report_page(*runs_, limit)) << "not the same twice";
}

TEST_F(ReportPage, AveragesPicturesWhereFewFit) {
    const std::string whole = jobs::report_page(*runs_);
    const Json page = Json::parse(data_block(whole)).at("page");
    const std::size_t pictures = page.at("images").at("pictures").dump().size();
    const std::size_t limit = whole.size() - pictures * 4 / 5;
    const std::string small = jobs::report_page(*runs_, limit);
    EXPECT_LE(small.size(), limit);
    const Json images = Json::parse(data_block(small)).at("page").at("images");
    EXPECT_EQ(images.at("averaged"), 2);
    const std::string first = page_decoded(images.at("pictures").at(0).get<std::string>());
    EXPECT_EQ(pipeline::decode_image(first, "first").size(2), 32);
    // Where nothing fits at all, the numbers do
    const std::string none = jobs::report_page(*runs_, 1000);
    EXPECT_EQ(Json::parse(data_block(none)).at("page").at("images").at("images_shown"), 0);
}

TEST_F(ReportPage, OrderSpreadsEveryBeginningOverAll) {
    for (const std::size_t count : {0UL, 1UL, 2UL, 5UL, 64UL, 1000UL}) {
        const std::vector<std::size_t> order = jobs::spread_order(count);
        EXPECT_EQ(std::set(order.begin(), order.end()).size(), count);
        ASSERT_EQ(order.size(), count);
    }
    const std::vector<std::size_t> order = jobs::spread_order(1000);
    std::vector<std::size_t> first(order.begin(), order.begin() + 10);
    std::ranges::sort(first);
    for (std::size_t i = 1; i < first.size(); ++i) EXPECT_LE(first[i] - first[i - 1], 150U);
}

TEST_F(ReportPage, NeedsNothingFromOutside) {
    const std::string page = jobs::report_page(*runs_);
    EXPECT_EQ(occurrences(page, "src=\"http"), 0U);
    EXPECT_EQ(occurrences(page, "<link"), 0U);
    EXPECT_EQ(occurrences(page, "@import"), 0U);
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
    EXPECT_EQ(occurrences(page, "'sha256-"), 2U);
    EXPECT_NE(page.find("Chart.js v3"), std::string::npos);
    EXPECT_NE(page.find("Permission is hereby granted"), std::string::npos);
}

TEST_F(ReportPage, GeneratedImagesAloneAreAReport) {
    const MadeCampaign made("dataset = photos\nmethod = ddpm\nsteps = 20\n[ddpm]\nsamples = 3\n");
    jobs::merge(made.campaign());
    const Json json = Json::parse(data_block(jobs::report_page(jobs::read_report_runs({made.folder()}))));
    ASSERT_EQ(json.at("groups").size(), 1U);
    EXPECT_TRUE(json.at("groups")[0].at("is_generation").get<bool>());
    EXPECT_TRUE(json.at("points")[0].at("metrics").empty());
    EXPECT_EQ(json.at("page").at("images").at("groups").at(0).size(), 3U);
    EXPECT_EQ(json.at("runs")[0].at("timeline").at("spans").size(), 0U);
}

TEST_F(ReportPage, RunWithoutResultsYetIsMergedAndSaysWhatIsMissing) {
    const std::string job = "dataset = photos\nmethod = dps\noperator = box\nbatch = 2\nsteps = 20\n";
    const MadeCampaign made(job, [](const pipeline::WorkUnit& unit) { return unit.number != 2; });
    const Json json = Json::parse(data_block(jobs::report_page(jobs::read_report_runs({made.folder()}))));
    EXPECT_EQ(json.at("runs")[0].at("units_missing"), 1);
    EXPECT_EQ(json.at("runs")[0].at("units_committed"), 2);

    const MadeCampaign nothing(job, [](const auto&) { return false; });
    EXPECT_THROW(jobs::read_report_runs({nothing.folder()}), jobs::JobError);
    EXPECT_FALSE(std::filesystem::exists(nothing.results()));
}

TEST_F(ReportPage, TruthThatIsNotThereIsLeftOut) {
    std::vector<jobs::ReportRun> runs = *runs_;
    for (auto* values : {&runs[0].rows.psnr, &runs[0].rows.ssim, &runs[0].rows.lpips, &runs[0].rows.psnr_measurement,
                         &runs[0].rows.psnr_unobserved}) {
        std::ranges::fill(*values, std::nan(""));
    }
    const Json json = Json::parse(data_block(jobs::report_page(runs)));
    for (const Json& point : json.at("points")) EXPECT_FALSE(point.at("metrics").contains("psnr"));
    for (const Json& group : json.at("groups")) EXPECT_TRUE(group.at("measurement").is_null());
}

TEST_F(ReportPage, MeanAndSpreadOfSamplesStandWithTheirMethod) {
    // As merge writes it: where there are several samples, and only there.
    for (const Json& point : data().at("points")) {
        const bool has_samples = point.at("label").get<std::string>().starts_with("sdedit");
        EXPECT_EQ(point.at("posterior").is_null(), !has_samples) << point.at("label");
    }
    // With numbers that are known.
    MadeCampaign made;
    jobs::merge(made.campaign());
    const auto script = test_support::source_folder() / "tests" / "jobs_results" / "add_posterior.py";
    const auto added = test_support::run_command("/usr/bin/python3 " + script.string() + " " + made.results().string());
    ASSERT_EQ(added.exit_code, 0) << added.errors;
    const Json json = Json::parse(data_block(jobs::report_page(jobs::read_report_runs({made.folder()}))));
    int summed = 0;
    for (const Json& point : json.at("points")) {
        const Json& group = json.at("groups").at(point.at("group").get<std::size_t>());
        if (point.at("posterior").is_null()) continue;
        ++summed;
        EXPECT_EQ(point.at("label"), "sdedit t-start=200");
        EXPECT_EQ(group.at("operator"), "box size=24");
        EXPECT_EQ(group.at("sigma_y"), 0.1);
        EXPECT_EQ(point.at("posterior").at("psnr").at("mean"), 32);
        EXPECT_EQ(point.at("posterior").at("coverage_90").at("mean"), 0.75);
        EXPECT_EQ(point.at("posterior").at("rank_histogram"), Json::parse("[0.5, 0.2, 0.3]"));
        EXPECT_FALSE(point.at("posterior").contains("lpips")) << "a column without numbers";
    }
    EXPECT_EQ(summed, 1);
    // Pictures: the mean of image 3, and the deviation as a share of its most
    const Json& images = json.at("page").at("images");
    for (const Json& entry : images.at("groups").at(0)) {
        const Json& cell = entry.at("cells").at(0);
        const auto picture = [&](const char* name) {
            return pipeline::decode_image(page_decoded(images.at("pictures").at(cell.at(name).get<std::size_t>())),
                                          name);
        };
        EXPECT_NEAR(picture("mean")[0][0][0].item<double>(), entry.at("number").get<double>() / 10, 1.01 / 255);
        EXPECT_NEAR(cell.at("std_white").get<double>(), 0.1, 1e-6);
        EXPECT_EQ(picture("std")[0][5][0].item<double>(), 1);
        EXPECT_EQ(picture("std")[0][5][1].item<double>(), -1);
        EXPECT_EQ(cell.at("posterior").at("psnr"), 30 + entry.at("number").get<int>());
    }
}

TEST(ReportPieces, Base64IsThatOfItsStandard) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) EXPECT_EQ(jobs::base64(bytes), text);
}

TEST(ReportPieces, ShellReadsAWordBack) {
    for (const std::string& word : {std::string("plain/path.h5:images"), std::string("it's a $(dangerous) `one` \\ \""),
                                    std::string("-x"), std::string("two\nlines"), std::string()}) {
        const auto echoed = test_support::run_command("printf '%s' " + jobs::shell_word(word));
        EXPECT_EQ(echoed.output, word);
    }
}

TEST(ReportTimeline, TellsFailuresRetriesAndWhatACrashLeftOpen) {
    const test_support::TemporaryFolder folder;
    {
        jobs::Journal journal(folder.path());
        const auto note = [&](const char* event, std::int64_t unit, int rank, double time, const char* reason = "") {
            journal.append(
                {.event = event, .unit = unit, .rank = rank, .time = time, .host = "node", .reason = reason});
        };
        note("run", -1, 0, 100);
        note("assigned", 0, 1, 101);
        note("assigned", 1, 2, 101);
        note("failed", 0, 1, 103, "disk full");
        note("assigned", 0, 2, 103.5);  // ahead: begun when unit 1 is done
        note("committed", 1, 2, 105);
        note("committed", 0, 2, 108);
        note("assigned", 2, 1, 104);
        note("assigned", 3, 2, 108);
        note("quarantined", 4, 0, 108.5, "too large");
        note("run", -1, 0, 200);  // the coordinator had died
        note("assigned", 2, 1, 201);
        journal.sync();
    }
    const jobs::RunTimeline timeline = jobs::read_timeline(folder.path());
    ASSERT_EQ(timeline.workers.size(), 2U);
    ASSERT_EQ(timeline.spans.size(), 6U);
    EXPECT_EQ(timeline.starts.size(), 2U);
    const auto kinds_of = [&](std::int64_t unit) {
        std::vector<std::string> kinds;
        for (const jobs::WorkSpan& span : timeline.spans) {
            if (span.unit == unit) kinds.push_back(span.kind + " " + std::to_string(span.attempt));
        }
        return kinds;
    };
    EXPECT_EQ(kinds_of(0), (std::vector<std::string>{"failed 1", "committed 2"}));
    EXPECT_EQ(kinds_of(2), (std::vector<std::string>{"died 1", "open 2"}));
    EXPECT_EQ(kinds_of(3), (std::vector<std::string>{"died 1"}));
    for (const jobs::WorkSpan& span : timeline.spans) {
        if (span.unit == 0 && span.kind == "committed") {
            EXPECT_EQ(span.begin, 105);
        }
        if (span.unit == 3) {
            EXPECT_EQ(span.end, 108.5) << "the last that its journal tells of";
        }
        if (span.kind == "failed") {
            EXPECT_EQ(span.reason, "disk full");
        }
    }
    EXPECT_EQ(timeline.lost_attempts, 3);
    EXPECT_NEAR(timeline.lost_seconds, 2 + 4.5 + 0.5, 1e-9);
    ASSERT_EQ(timeline.quarantined.size(), 1U);
    EXPECT_EQ(timeline.quarantined[0].reason, "too large");
}

TEST(ReportTimeline, JoinsNeighboursOfALargeRunAndKeepsFailures) {
    const test_support::TemporaryFolder folder;
    {
        jobs::Journal journal(folder.path());
        for (int unit = 0; unit < 5000; ++unit) {
            const double time = 10.0 * unit;
            journal.append({.event = "assigned", .unit = unit, .rank = 1, .time = time});
            journal.append(
                {.event = unit % 1000 == 7 ? "failed" : "committed", .unit = unit, .rank = 1, .time = time + 9});
        }
        journal.sync();
    }
    const jobs::RunTimeline timeline = jobs::read_timeline(folder.path(), 500);
    EXPECT_TRUE(timeline.is_coarse);
    EXPECT_LE(timeline.spans.size(), 500U);
    EXPECT_GT(timeline.spans.size(), 50U);
    std::int64_t committed = 0, failed = 0;
    for (const jobs::WorkSpan& span : timeline.spans) (span.kind == "failed" ? failed : committed) += span.units;
    EXPECT_EQ(failed, 5);
    EXPECT_EQ(committed, 4995);
}
