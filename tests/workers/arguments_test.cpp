#include "workers/arguments.h"

#include <gtest/gtest.h>

#include <array>

#include "jobs/job_error.h"

namespace {

workers::Arguments parse(const std::vector<std::string>& words) {
    static constexpr std::array<std::string_view, 1> values = {"workers"};
    static constexpr std::array<std::string_view, 2> flags = {"help", "json"};
    return workers::parse_arguments(words, {.takes_job_options = true, .values = values, .flags = flags});
}

}  // namespace

TEST(Arguments, BothSpellingsOfAnOption) {
    const workers::Arguments arguments =
        parse({"job.ini", "--seed", "3", "--dps.zeta=0.5", "--sigma-y", "-0.1", "--json"});
    EXPECT_EQ(arguments.words, std::vector<std::string>{"job.ini"});
    EXPECT_EQ(arguments.options, (jobs::Overrides{{"seed", "3"}, {"dps.zeta", "0.5"}, {"sigma-y", "-0.1"}}));
    EXPECT_TRUE(arguments.has_flag("json"));
    EXPECT_FALSE(arguments.has_flag("help"));
}

TEST(Arguments, ValueMayHoldAnEqualsSignButNotBeEmpty) {
    EXPECT_EQ(parse({"--dataset=a=b"}).options, (jobs::Overrides{{"dataset", "a=b"}}));
    EXPECT_THROW(parse({"--method="}), jobs::JobError);
}

TEST(Arguments, UnknownAndAbbreviatedOptionsAreRefused) {
    EXPECT_THROW(parse({"--sede", "1"}), jobs::JobError);
    EXPECT_THROW(parse({"--see", "1"}), jobs::JobError);
    EXPECT_THROW(parse({"--work", "1"}), jobs::JobError);
}

TEST(Arguments, OptionWithoutValueIsRefused) {
    EXPECT_THROW(parse({"--seed"}), jobs::JobError);
    EXPECT_THROW(parse({"--seed", "--json"}), jobs::JobError);
    EXPECT_THROW(parse({"--json=yes"}), jobs::JobError);
    EXPECT_THROW(parse({"-s", "3"}), jobs::JobError);
}

TEST(Arguments, OptionGivenTwiceIsRefused) {
    EXPECT_THROW(parse({"--workers", "2", "--workers", "3"}), jobs::JobError);
    EXPECT_THROW(parse({"--seed", "2", "--seed", "2"}), jobs::JobError);
}

TEST(Arguments, TakenOptionIsGone) {
    workers::Arguments arguments = parse({"--seed", "1", "--workers", "2"});
    EXPECT_EQ(arguments.take("workers"), "2");
    EXPECT_EQ(arguments.take("workers"), std::nullopt);
    EXPECT_EQ(arguments.options, (jobs::Overrides{{"seed", "1"}}));
}

TEST(Arguments, OneNameIsWanted) {
    EXPECT_THROW(parse({}).only_word("status", "a folder"), jobs::JobError);
    EXPECT_THROW(parse({"a", "b"}).only_word("status", "a folder"), jobs::JobError);
    EXPECT_EQ(parse({"a"}).only_word("status", "a folder"), "a");
    EXPECT_THROW(parse({"--seed", "1"}).expect_no_options("status"), jobs::JobError);
}
