#include "workers/terminal.h"

#include <gtest/gtest.h>

using workers::columns_of;
using workers::fitted;
using workers::Ink;
using workers::inked;
using workers::Terminal;

TEST(Terminal, ColumnsAreThoseThatAreSeen) {
    EXPECT_EQ(columns_of("abc"), 3);
    EXPECT_EQ(columns_of("σ ± 0.1"), 7);
    EXPECT_EQ(columns_of("写真"), 4);
    EXPECT_EQ(columns_of("e\u0301"), 1);
    EXPECT_EQ(columns_of("\033[31mred\033[0m"), 3);
    // Bytes that are no UTF-8 take a column each.
    EXPECT_EQ(columns_of("\xff\xc3"), 2);
}

TEST(Terminal, LinesAreCutToItsWidth) {
    const Terminal narrow{.is_terminal = true, .has_colour = true, .width = 6};
    EXPECT_EQ(fitted(narrow, "abcdef"), "abcdef");
    EXPECT_EQ(fitted(narrow, "abcdefg"), "abcde…");
    EXPECT_EQ(fitted(narrow, "写真写真"), "写真…");
    EXPECT_EQ(columns_of(fitted(narrow, "写真a真写")), 6);
    // A line that is cut ends its ink.
    EXPECT_EQ(fitted(narrow, inked(narrow, Ink::red, "abcdefgh")), "\033[31mabcde…\033[0m");
    EXPECT_EQ(fitted(Terminal{}, std::string(500, 'x')).size(), 500u);
}

TEST(Terminal, InkIsForTerminalsWithColourAlone) {
    EXPECT_EQ(inked({.is_terminal = true, .has_colour = false}, Ink::green, "done"), "done");
    EXPECT_EQ(inked({.is_terminal = true, .has_colour = true}, Ink::green, "done"), "\033[32mdone\033[0m");
    EXPECT_EQ(inked({.is_terminal = true, .has_colour = true}, Ink::plain, "done"), "done");
}
