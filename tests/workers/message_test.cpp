#include "workers/message.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

using workers::Message;
using workers::MessageKind;

TEST(Message, EveryFieldSurvives) {
    const Message sent{.kind = MessageKind::hello,
                       .unit = 7,
                       .seconds = 0.1,
                       .seconds_sampling = 0.05,
                       .diverged = 1,
                       .unreadable = 2,
                       .may_pass = true,
                       .exit_code = 75,
                       .process = 1234,
                       .checksum = std::numeric_limits<std::uint64_t>::max(),
                       .host = "n1",
                       .device = "cpu",
                       .digest = "abc",
                       .reason = "a \"quoted\" reason\n",
                       .folder = "/a b/ü"};
    const Message read = workers::parse_message(workers::to_text(sent));
    EXPECT_EQ(read.kind, sent.kind);
    EXPECT_EQ(read.unit, sent.unit);
    EXPECT_EQ(read.seconds, sent.seconds);
    EXPECT_EQ(read.seconds_sampling, sent.seconds_sampling);
    EXPECT_EQ(read.diverged, sent.diverged);
    EXPECT_EQ(read.unreadable, sent.unreadable);
    EXPECT_EQ(read.may_pass, sent.may_pass);
    EXPECT_EQ(read.exit_code, sent.exit_code);
    EXPECT_EQ(read.process, sent.process);
    EXPECT_EQ(read.checksum, sent.checksum);
    EXPECT_EQ(read.host, sent.host);
    EXPECT_EQ(read.device, sent.device);
    EXPECT_EQ(read.digest, sent.digest);
    EXPECT_EQ(read.reason, sent.reason);
    EXPECT_EQ(read.folder, sent.folder);
}

TEST(Message, KindsKeepTheirNames) {
    EXPECT_EQ(workers::to_text({.kind = MessageKind::ready}), R"({"kind":"ready"})");
    EXPECT_EQ(workers::to_text({.kind = MessageKind::unit, .unit = 0}), R"({"kind":"unit","unit":0})");
    for (const MessageKind kind :
         {MessageKind::hello, MessageKind::ready, MessageKind::beat, MessageKind::done, MessageKind::failed,
          MessageKind::refused, MessageKind::unit, MessageKind::stop, MessageKind::plan}) {
        EXPECT_EQ(workers::parse_message(workers::to_text({.kind = kind})).kind, kind);
    }
}

TEST(Message, ForeignTextIsRefused) {
    for (const char* text : {"", "words", "{}", R"({"kind":"dance"})", R"({"kind":"unit","unit":"three"})", "[1]"}) {
        EXPECT_THROW(workers::parse_message(text), std::invalid_argument) << text;
    }
}

TEST(Message, BrokenBytesInAReasonDoNotStopTheReport) {
    const Message message{.kind = MessageKind::failed, .unit = 1, .reason = "bad name \xff\xfe"};
    EXPECT_EQ(workers::parse_message(workers::to_text(message)).kind, MessageKind::failed);
}
