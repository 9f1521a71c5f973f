#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "tests/docs/pages.h"

// Every `diffinv COMMAND --option` that a page speaks of, in a block or in a line, is one that the program knows.

namespace {

namespace fs = std::filesystem;
using test_docs::Sandbox;

struct Mention {
    std::string command;
    std::vector<std::string> options;
};

/// What stands in backticks or in a block, from `diffinv ` to its end, a comment, a pipe or the next command.
std::vector<Mention> mentions_of(const std::string& page) {
    std::vector<Mention> mentions;
    const std::regex call(R"((?:^|[ `/(])diffinv ([a-z]+)([^`#|;&\n]*))");
    const std::regex option(R"( --([a-z][a-z0-9_.-]*))");
    for (const std::string& line : test_docs::lines_of(page)) {
        for (std::sregex_iterator found(line.begin(), line.end(), call), end; found != end; ++found) {
            // Prose, where the name is no command's: "diffinv does not".
            const bool is_code =
                line.starts_with("diffinv ") || line.find("`") < static_cast<std::size_t>(found->position()) + 1;
            if (!is_code) continue;
            Mention mention{(*found)[1], {}};
            const std::string rest = (*found)[2];
            for (std::sregex_iterator word(rest.begin(), rest.end(), option); word != end; ++word) {
                mention.options.push_back((*word)[1]);
            }
            mentions.push_back(mention);
        }
    }
    return mentions;
}

}  // namespace

TEST(CommandsOnPages, AreTheProgramsOwn) {
    const Sandbox sandbox;
    const std::string settings =
        sandbox.run("diffinv list methods").output + sandbox.run("diffinv list operators").output;
    std::map<std::string, test_support::CommandResult> helps;
    int count = 0;
    for (const fs::path& page : test_docs::all_pages()) {
        for (const Mention& mention : mentions_of(test_support::read_text(page))) {
            if (!helps.contains(mention.command)) {
                helps[mention.command] = sandbox.run("diffinv " + mention.command + " --help");
            }
            const test_support::CommandResult& help = helps[mention.command];
            EXPECT_EQ(help.exit_code, 0) << page << ": diffinv " << mention.command;
            for (const std::string& option : mention.options) {
                const bool is_setting = option.find('.') != std::string::npos;
                // As a word: --sigma-y is not known because --sigma-years is.
                const std::regex known((is_setting ? "(^|[ (])" : "--") + option + "($|[^a-z0-9-])");
                EXPECT_TRUE(std::regex_search(is_setting ? settings : help.output, known))
                    << page << ": diffinv " << mention.command << " --" << option;
            }
            ++count;
        }
    }
    EXPECT_GE(count, 40);
}
