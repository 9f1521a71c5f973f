#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

/// The message of the Error that `action` throws; a failed test where it throws nothing.
template <typename Error, typename Action>
std::string message_of(Action&& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

/// One line, which holds all of these.
template <typename... Parts>
void expect_line(const std::string& message, const Parts&... parts) {
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : {std::string(parts)...}) EXPECT_THAT(message, testing::HasSubstr(part));
}
