#include <gtest/gtest.h>

#include <regex>

#include "tests/docs/pages.h"

// The commands of README.md, one after the other as they stand there: jobs are run with three steps on one photo by one
// worker, submit only prints, scripts are looked for.

namespace {

using test_docs::Sandbox;
using test_support::CommandResult;

std::string without_comment(const std::string& line) {
    const std::string code = line.substr(0, line.find("  #"));
    return code.substr(0, code.find_last_not_of(' ') + 1);
}

/// The same command, small enough for a test.
std::string small_command(const std::string& command) {
    if (command.starts_with("diffinv run ")) {
        return std::regex_replace(command, std::regex("--workers [0-9]+"), "--workers 1") + " --steps 3 --images 0-0";
    }
    return command;
}

}  // namespace

TEST(Readme, ItsCommandsWork) {
    const Sandbox sandbox;
    int runs = 0, others = 0;
    for (const auto& block : test_docs::code_blocks(test_docs::page_text("README.md"))) {
        if (block.language == "ini") {
            const std::string name = block.text.substr(2, block.text.find('\n') - 2);
            ASSERT_TRUE(name.ends_with(".ini")) << "the first line of a job names its file: " << name;
            test_support::write_text(sandbox / name, block.text);
        }
        if (block.language != "bash") continue;
        for (const std::string& line : test_docs::lines_of(block.text)) {
            const std::string command = without_comment(line);
            if (command.starts_with("diffinv ")) {
                const CommandResult result = sandbox.run(small_command(command));
                EXPECT_EQ(result.exit_code, 0) << small_command(command) << "\n" << result.errors;
                EXPECT_NE(result.output, "") << command;
                runs += command.starts_with("diffinv run ");
                ++others;
            } else if (!command.starts_with("cmake ")) {
                const std::string script = command.substr(0, command.find(' '));
                EXPECT_TRUE(std::filesystem::exists(test_support::source_folder() / script)) << command;
            }
        }
    }
    EXPECT_GE(runs, 2);
    EXPECT_GE(others, 5);
}
