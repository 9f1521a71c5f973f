#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/paths.h"

// The main job in small, as the quickstart runs it: every method and operator on two workers, then the results in h5py and
// xarray against what the program printed.

namespace {

namespace fs = std::filesystem;

const fs::path quickstart_folder = test_support::source_folder() / "jobs" / "quickstart";

std::string diffinv() { return (test_support::binary_folder() / "diffinv").string(); }

}  // namespace

class MainJob : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder_ = new test_support::TemporaryFolder;
        run_ = test_support::run_command(diffinv() + " run " + (quickstart_folder / "poster_table.ini").string() +
                                         " --steps 10 --images 0-2 --batch 2 --ddpm.samples 3 --workers 2 --output " +
                                         (*folder_ / "run").string());
    }
    static void TearDownTestSuite() { delete folder_; }

    static fs::path run_folder() { return *folder_ / "run"; }
    static test_support::TemporaryFolder* folder_;
    static test_support::CommandResult run_;
};

test_support::TemporaryFolder* MainJob::folder_ = nullptr;
test_support::CommandResult MainJob::run_;

TEST_F(MainJob, EndsWithResultsAndATable) {
    ASSERT_EQ(run_.exit_code, 0) << run_.errors;
    EXPECT_NE(run_.output.find("PSNR"), std::string::npos);
    for (const std::string method : {"forward_reverse", "sdedit", "score_ald", "dps", "ddpm"}) {
        EXPECT_NE(run_.output.find(method), std::string::npos) << method;
    }
    EXPECT_TRUE(fs::exists(run_folder() / "results.h5"));
    EXPECT_TRUE(fs::exists(run_folder() / "results.csv"));
}

TEST_F(MainJob, PythonReadsTheSameNumbers) {
    ASSERT_EQ(run_.exit_code, 0) << run_.errors;
    test_support::write_text(*folder_ / "printed.txt", run_.output);
    const test_support::CommandResult check = test_support::run_command(
        "/usr/bin/python3 " + (test_support::source_folder() / "tests" / "end_to_end" / "read_results.py").string() + " " +
        (run_folder() / "results.h5").string() + " " + (*folder_ / "printed.txt").string());
    EXPECT_EQ(check.exit_code, 0) << check.output << check.errors;
}

TEST_F(MainJob, SameCommandFindsNothingLeftToDo) {
    ASSERT_EQ(run_.exit_code, 0) << run_.errors;
    const auto stamp = fs::last_write_time(run_folder() / "units" / "000" / "unit-000000.h5");
    const test_support::CommandResult again =
        test_support::run_command(diffinv() + " run " + (quickstart_folder / "poster_table.ini").string() +
                                  " --steps 10 --images 0-2 --batch 2 --ddpm.samples 3 --workers 2 --output " +
                                  run_folder().string());
    EXPECT_EQ(again.exit_code, 0) << again.errors;
    EXPECT_EQ(fs::last_write_time(run_folder() / "units" / "000" / "unit-000000.h5"), stamp);
}

TEST_F(MainJob, LeavesNoTemporaryFile) {
    for (const auto& entry : fs::recursive_directory_iterator(run_folder())) {
        EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
    }
}

TEST_F(MainJob, ReportWritesItsPageAndWhatItIsAskedFor) {
    ASSERT_EQ(run_.exit_code, 0) << run_.errors;
    const test_support::CommandResult page = test_support::run_command(diffinv() + " report " + run_folder().string());
    EXPECT_EQ(page.exit_code, 0) << page.errors;
    EXPECT_NE(page.output.find("report.html"), std::string::npos);
    EXPECT_TRUE(fs::exists(run_folder() / "report.html"));
    EXPECT_FALSE(fs::exists(run_folder() / "table.png"));

    const test_support::CommandResult report =
        test_support::run_command(diffinv() + " report " + run_folder().string() + " --csv --json --latex --png");
    EXPECT_EQ(report.exit_code, 0) << report.errors;
    for (const std::string file :
         {"table.png", "samples.png", "summary.csv", "differences.csv", "report.json", "table.tex"}) {
        EXPECT_TRUE(fs::exists(run_folder() / file)) << file;
        EXPECT_NE(report.output.find(file), std::string::npos) << file;
    }
}
