#include <gtest/gtest.h>

#include "tests/docs/pages.h"

// docs/job_file.md says what the program says.

namespace {

using test_docs::Sandbox;
using test_support::CommandResult;

constexpr const char* regenerate =
    "sed -i '/^<!-- Generated/q' docs/job_file.md && build/release/diffinv list options --markdown >>docs/job_file.md";

}  // namespace

TEST(JobFilePage, HasTheProgramsTables) {
    const std::string page = test_docs::page_text("docs/job_file.md");
    const std::size_t marker = page.find("<!-- Generated");
    ASSERT_NE(marker, std::string::npos);
    const std::string generated = page.substr(page.find('\n', marker) + 1);
    const CommandResult program = Sandbox().run("diffinv list options --markdown");
    ASSERT_EQ(program.exit_code, 0) << program.errors;
    EXPECT_EQ(generated, program.output) << "docs/job_file.md is out of date; write it again by\n  " << regenerate;
    EXPECT_NE(page.find(regenerate), std::string::npos) << "the page names another command than this test";
}

TEST(JobFilePage, ItsExampleIsTheSweepItSays) {
    const Sandbox sandbox;
    const auto blocks = test_docs::code_blocks(test_docs::page_text("docs/job_file.md"));
    ASSERT_FALSE(blocks.empty());
    ASSERT_EQ(blocks.front().language, "ini");
    test_support::write_text(sandbox / "restore.ini", blocks.front().text);
    const CommandResult plan = sandbox.run("diffinv plan restore.ini");
    EXPECT_EQ(plan.exit_code, 0) << plan.errors;
    EXPECT_TRUE(plan.output.starts_with("16 configurations")) << plan.output;
}

TEST(JobFilePage, TakesTheFormsItSays) {
    const Sandbox sandbox;
    std::filesystem::rename(sandbox / "photos", sandbox / "my photos, 2");
    const std::string job = "model = ffhq_10m.pt\nmethod = dps\noperator = box\n";
    const std::string dataset = "dataset = my photos, 2\n";
    for (const std::string& text : {
             dataset + job,                                                           // blanks and commas in a path
             "\xef\xbb\xbf" + dataset + job,                                          // a byte order mark
             "# all\r\n" + dataset + "\r\n" + job + "clip = true   # a comment\r\n",  // Windows line ends
             dataset + job + "dps.zeta = 5e-1\n",  // a section's option above sections
             dataset + job + "[dps]\nzeta=0.5\n[box]\nsize=8\n[dps]\nnormalise=residual\n",  // a section twice
         }) {
        test_support::write_text(sandbox / "job.ini", text);
        const CommandResult plan = sandbox.run("diffinv plan job.ini");
        EXPECT_EQ(plan.exit_code, 0) << text << plan.errors;
    }
    // Quotation marks are part of the value.
    test_support::write_text(sandbox / "job.ini", "dataset = \"my photos, 2\"\n" + job);
    EXPECT_EQ(sandbox.run("diffinv plan job.ini").exit_code, 2);
    EXPECT_EQ(sandbox.run("diffinv plan job.ini --dataset 'my photos, 2'").exit_code, 0);
}

TEST(JobFilePage, EachRefusalIsWorded) {
    const Sandbox sandbox;
    const std::string job = "dataset = photos\nmodel = ffhq_10m.pt\nmethod = sdedit\noperator = box\n";
    test_support::write_text(sandbox / "right.ini", job);
    ASSERT_EQ(sandbox.run("diffinv plan right.ini").exit_code, 0);
    const auto rows = test_docs::table_below(test_docs::page_text("docs/job_file.md"), "## What is refused");
    ASSERT_GE(rows.size(), 12u);
    for (const auto& row : rows) {
        const std::string line = test_docs::without_backticks(row.at(0));
        test_support::write_text(sandbox / "wrong.ini", job + line + "\n");
        const CommandResult refusal = sandbox.run("diffinv plan wrong.ini");
        EXPECT_EQ(refusal.exit_code, 2) << line;
        EXPECT_NE(refusal.errors.find(row.at(1)), std::string::npos) << line << "\n" << refusal.errors;
    }
}
