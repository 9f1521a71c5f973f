#include <gtest/gtest.h>

#include "tests/docs/pages.h"

// Every complete job that a page shows can be planned. An .ini block whose first line is "# NAME.ini…" is one.

namespace {

namespace fs = std::filesystem;
using test_docs::Sandbox;
using test_support::CommandResult;

bool is_job(const test_docs::CodeBlock& block) {
    return block.language == "ini" && block.text.starts_with("# ") &&
           block.text.substr(0, block.text.find_first_of(":\n")).ends_with(".ini");
}

}  // namespace

TEST(PageJobs, EachCanBePlanned) {
    const Sandbox sandbox;
    int count = 0;
    for (const fs::path& page : test_docs::all_pages()) {
        for (const auto& block : test_docs::code_blocks(test_support::read_text(page))) {
            if (!is_job(block)) continue;
            test_support::write_text(sandbox / "job.ini", block.text);
            // As large as the networks that the pages speak of; measured images keep their size.
            const bool is_measured = block.text.find("\nmeasurements") != std::string::npos;
            const CommandResult plan =
                sandbox.run(std::string("diffinv plan job.ini") + (is_measured ? "" : " --image-size 256"));
            EXPECT_EQ(plan.exit_code, 0) << page << "\n" << block.text << plan.errors;
            ++count;
        }
    }
    EXPECT_GE(count, 8);
}
