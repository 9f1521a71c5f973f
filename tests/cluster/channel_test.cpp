#include "cluster/channel.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

TEST(InProcessChannel, DeliversInOrderWithItsSender) {
    const auto channels = cluster::in_process_channels(3);
    channels[1]->send(0, "first");
    channels[1]->send(0, "second");
    channels[2]->send(0, "third");

    std::vector<std::string> heard;
    while (const auto envelope = channels[0]->poll())
        heard.push_back(std::to_string(envelope->source) + envelope->text);

    EXPECT_EQ(heard, (std::vector<std::string>{"1first", "1second", "2third"}));
    EXPECT_FALSE(channels[1]->poll().has_value());
    EXPECT_EQ(channels[2]->rank(), 2);
    EXPECT_EQ(channels[2]->size(), 3);
}

TEST(InProcessChannel, ThreadsSendAtOnce) {
    const auto channels = cluster::in_process_channels(5);
    std::vector<std::thread> senders;
    for (int rank = 1; rank < 5; ++rank) {
        senders.emplace_back([&, rank] {
            for (int message = 0; message < 1000; ++message)
                channels[static_cast<std::size_t>(rank)]->send(0, std::to_string(message));
        });
    }
    std::vector<int> next(5, 0);
    for (int received = 0; received < 4000;) {
        if (const auto envelope = channels[0]->poll()) {
            EXPECT_EQ(envelope->text, std::to_string(next[static_cast<std::size_t>(envelope->source)]++));
            ++received;
        }
    }
    for (std::thread& sender : senders) sender.join();
    EXPECT_EQ(next, (std::vector<int>{0, 1000, 1000, 1000, 1000}));
}

TEST(InProcessChannel, UnknownRankIsRefused) {
    const auto channels = cluster::in_process_channels(2);
    EXPECT_THROW(channels[0]->send(2, "nobody"), std::invalid_argument);
    EXPECT_THROW(channels[0]->send(-1, "nobody"), std::invalid_argument);
}
