#include "workers/arguments.h"

#include <gtest/gtest.h>

#include <array>

#include "jobs/job_error.h"

namespace {

workers::Arguments parse(const std::vector<std::string>& words) {
    static constexpr std::array<std::string_view, 2> flags = {"help", "json"};
    return workers::parse_arguments(words, flags);
}

}  // namespace

TEST(Arguments, BothSpellingsOfAnOption) {
    const workers::Arguments arguments = parse({"job.ini", "--seed", "3", "--dps.zeta=0.5", "--sigma-y", "-0.1", "--json"});
    EXPECT_EQ(arguments.words, std::vector<std::string>{"job.ini"});
    EXPECT_EQ(arguments.options, (jobs::Overrides{{"seed", "3"}, {"dps.zeta", "0.5"}, {"sigma-y", "-0.1"}}));
    EXPECT_TRUE(arguments.has_flag("json"));
    EXPECT_FALSE(arguments.has_flag("help"));
}

TEST(Arguments, ValueMayHoldAnEqualsSignOrBeEmpty) {
    EXPECT_EQ(parse({"--dataset=a=b", "--method="}).options, (jobs::Overrides{{"dataset", "a=b"}, {"method", ""}}));
}

TEST(Arguments, OptionWithoutValueIsRefused) {
    EXPECT_THROW(parse({"--seed"}), jobs::JobError);
    EXPECT_THROW(parse({"--seed", "--json"}), jobs::JobError);
    EXPECT_THROW(parse({"--json=yes"}), jobs::JobError);
    EXPECT_THROW(parse({"-s", "3"}), jobs::JobError);
}

TEST(Arguments, OwnOptionGivenTwiceIsRefused) {
    workers::Arguments arguments = parse({"--workers", "2", "--workers", "3"});
    EXPECT_THROW(arguments.take("workers"), jobs::JobError);
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
