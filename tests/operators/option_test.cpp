// Values as users write them.

#include <array>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operators/option.h"

namespace {

using operators::allowed_values;
using operators::Option;
using operators::OptionType;
using operators::parse_value;
using operators::Settings;
using operators::to_string;

constexpr Option integer{.name = "size",
                         .type = OptionType::integer,
                         .default_text = "auto",
                         .minimum = 1,
                         .maximum = 4096,
                         .words = "auto"};
constexpr Option real{.name = "zeta", .type = OptionType::real, .default_text = "0.3", .minimum = 0};
constexpr Option boolean{.name = "clip", .type = OptionType::boolean, .default_text = "yes"};
constexpr Option word{.name = "preset", .type = OptionType::word, .default_text = "code", .words = "code|paper"};
constexpr Option path{.name = "file", .type = OptionType::path, .default_text = ""};
constexpr Option half_open{.name = "fraction",
                           .type = OptionType::real,
                           .default_text = "0.92",
                           .minimum = 0,
                           .maximum = operators::below_one};
constexpr Option positive{
    .name = "std", .type = OptionType::real, .default_text = "3.0", .minimum = operators::above_zero};

void expect_refused(const Option& option, const std::string& text) {
    EXPECT_THAT([&] { parse_value(option, text); },
                testing::ThrowsMessage<std::invalid_argument>(allowed_values(option)))
        << "'" << text << "'";
}

TEST(ParseValue, TakesWhatIsAllowed) {
    EXPECT_EQ(std::get<std::int64_t>(parse_value(integer, "128")), 128);
    EXPECT_EQ(std::get<std::string>(parse_value(integer, "auto")), "auto");
    EXPECT_EQ(std::get<double>(parse_value(real, "0.3")), 0.3);
    EXPECT_EQ(std::get<double>(parse_value(real, "2")), 2.0);
    EXPECT_EQ(std::get<double>(parse_value(real, "1e-3")), 1e-3);
    EXPECT_EQ(std::get<double>(parse_value(half_open, "0.9999")), 0.9999);
    EXPECT_EQ(std::get<bool>(parse_value(boolean, "yes")), true);
    EXPECT_EQ(std::get<bool>(parse_value(boolean, "true")), true);
    EXPECT_EQ(std::get<bool>(parse_value(boolean, "no")), false);
    EXPECT_EQ(std::get<bool>(parse_value(boolean, "false")), false);
    EXPECT_EQ(std::get<std::string>(parse_value(word, "paper")), "paper");
    EXPECT_EQ(std::get<std::string>(parse_value(path, "a b/c.png")), "a b/c.png");
}

TEST(ParseValue, RefusesEverythingElse) {
    for (const char* text : {"", " 1", "1 ", "+1", "1.0", "1e2", "0x10", "0", "4097", "99999999999999999999", "AUTO",
                             "aut", "1,2", "-1"}) {
        expect_refused(integer, text);
    }
    for (const char* text : {"", " 0.3", "0.3 ", "0.3x", "+0.3", "nan", "NaN", "inf", "-inf", "infinity", "0x1p3",
                             "1e999", "1e-999", "-0.1", "0,3", ".", "e5", "auto"}) {
        expect_refused(real, text);
    }
    for (const char* text : {"", "1", "0", "on", "off", "Yes", "y", "TRUE", "yes "}) expect_refused(boolean, text);
    for (const char* text : {"", "Code", "cod", "code|paper", "code "}) expect_refused(word, text);
    for (const char* text : {"1", "1.0"}) expect_refused(half_open, text);
    for (const char* text : {"0", "-0", "0.0"}) expect_refused(positive, text);
    expect_refused(path, "");
}

TEST(ParseValue, MinusZeroIsZero) {
    EXPECT_EQ(to_string(parse_value(real, "-0")), "0");
}

TEST(AllowedValues, AreSentences) {
    EXPECT_EQ(allowed_values(integer), "an integer from 1 to 4096, or auto");
    EXPECT_EQ(allowed_values(real), "a number ≥ 0");
    EXPECT_EQ(allowed_values(boolean), "yes or no");
    EXPECT_EQ(allowed_values(word), "one of code, paper");
    EXPECT_EQ(allowed_values(path), "a path");
    EXPECT_EQ(allowed_values(half_open), "a number ≥ 0 and < 1");
    EXPECT_EQ(allowed_values(positive), "a number > 0");
    EXPECT_EQ(allowed_values({.name = "w", .type = OptionType::real, .default_text = ""}), "a number");
    EXPECT_EQ(allowed_values({.name = "w", .type = OptionType::real, .default_text = "", .minimum = 0, .maximum = 1}),
              "a number from 0 to 1");
    EXPECT_EQ(allowed_values({.name = "w", .type = OptionType::integer, .default_text = "", .maximum = 5}),
              "an integer ≤ 5");
}

TEST(ValueText, ReadsBackToTheSameNumber) {
    EXPECT_EQ(to_string(operators::Value(0.1)), "0.1");
    EXPECT_EQ(to_string(operators::Value(3.0)), "3");
    EXPECT_EQ(to_string(operators::Value(std::int64_t{-7})), "-7");
    EXPECT_EQ(to_string(operators::Value(true)), "yes");
    EXPECT_EQ(to_string(operators::Value(false)), "no");
    EXPECT_EQ(to_string(operators::Value(std::string("code"))), "code");
    for (const double number : {1.0 / 3, 1e-300, 6.02214076e23, 0.1 + 0.2}) {
        EXPECT_EQ(std::get<double>(parse_value(real, to_string(operators::Value(number)))), number);
    }
}

TEST(SettingsDefaults, LeaveOutWhatMustBeGiven) {
    const std::array<Option, 3> table{integer, real, path};
    const Settings settings = Settings::defaults(table);
    EXPECT_TRUE(settings.is_word("size", "auto"));
    EXPECT_FALSE(settings.is_word("zeta", "auto"));
    EXPECT_EQ(settings.real("zeta"), 0.3);
    EXPECT_FALSE(settings.contains("file"));
    EXPECT_THAT([&] { settings.at("file"); },
                testing::ThrowsMessage<std::out_of_range>("settings: there is no value for 'file'"));
}

}  // namespace
