#include <gtest/gtest.h>

#include "tests/docs/pages.h"

// docs/results.md is held to a real run's results.h5, and its Python is run on it.

namespace {

using test_docs::Sandbox;
using test_support::CommandResult;

}  // namespace

class ResultsPage : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        sandbox_ = new Sandbox;
        run_ = sandbox_->run(
            "diffinv run jobs/quickstart/poster_table.ini --steps 4 --images 0-2 --batch 3 --ddpm.samples 2 --dps.samples 2 "
            "--shard 1/1 --output my");
    }
    static void TearDownTestSuite() { delete sandbox_; }

    static Sandbox* sandbox_;
    static CommandResult run_;
};

Sandbox* ResultsPage::sandbox_ = nullptr;
CommandResult ResultsPage::run_;

TEST_F(ResultsPage, NamesWhatTheFileHas) {
    ASSERT_EQ(run_.exit_code, 0) << run_.errors;
    const CommandResult check = sandbox_->run(
        "/usr/bin/python3 " + (test_support::source_folder() / "tests" / "docs" / "results_page.py").string() +
        " docs/results.md my/results.h5");
    EXPECT_EQ(check.exit_code, 0) << check.errors;
}

TEST_F(ResultsPage, ItsPythonRuns) {
    ASSERT_EQ(run_.exit_code, 0) << run_.errors;
    int count = 0;
    for (const std::string page : {"docs/results.md", "README.md"}) {
        for (const auto& block : test_docs::code_blocks(test_docs::page_text(page))) {
            if (block.language != "python") continue;
            test_support::write_text(*sandbox_ / "block.py", block.text);
            const CommandResult python = sandbox_->run("/usr/bin/python3 -W error block.py");
            EXPECT_EQ(python.exit_code, 0) << block.text << python.errors;
            EXPECT_NE(python.output, "") << block.text;
            ++count;
        }
    }
    EXPECT_GE(count, 4);
}
