#include <gtest/gtest.h>

#include "tests/docs/pages.h"

// What docs/hpc.md submits is taken: each of its commands, with --print.

using test_docs::Sandbox;
using test_support::CommandResult;

TEST(HpcPage, WhatItSubmitsIsTaken) {
    const Sandbox sandbox;
    test_support::write_text(sandbox / "restore.ini",
                             test_docs::code_blocks(test_docs::page_text("docs/job_file.md")).front().text);
    int count = 0;
    for (const auto& block : test_docs::code_blocks(test_docs::page_text("docs/hpc.md"))) {
        for (const std::string& line : test_docs::lines_of(block.text)) {
            if (!line.starts_with("diffinv submit ")) continue;
            const CommandResult script = sandbox.run(line + " --print");
            EXPECT_EQ(script.exit_code, 0) << line << "\n" << script.errors;
            test_support::write_text(sandbox / "job.sh", script.output);
            EXPECT_EQ(sandbox.run("bash -n job.sh").exit_code, 0) << script.output;
            ++count;
        }
    }
    EXPECT_GE(count, 3);
}
