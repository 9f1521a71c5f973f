#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "cluster/channel.h"
#include "workers/message.h"
#include "workers/worker.h"

namespace workers {

/// A worker's ear and pulse: hears what rank 0 says, says "I am alive" no more often than every few seconds, and
/// notices when the coordinator is no more. Throws a Departure where this worker has to leave.
class Heart {
  public:
    Heart(cluster::Channel& channel, const WorkerSettings& settings) : channel_(channel), settings_(settings) {}

    /// The next message that asks something of this worker; nothing where none has arrived.
    std::optional<Message> listen();
    /// A heartbeat, if one is due, and a look at the coordinator.
    /// @param unit  that this worker is at, −1: none
    void keep_alive(std::int64_t unit);
    /// The first step of a unit begins, and rank 0 hears of it: what passed since the last one was no step.
    void begin(std::int64_t unit);
    /// A step has ended.
    void count_step();

  private:
    using Clock = std::chrono::steady_clock;
    void beat(std::int64_t unit);

    cluster::Channel& channel_;
    const WorkerSettings& settings_;
    Clock::time_point said_ = Clock::now(), looked_ = said_, stepped_ = said_;
    std::optional<Clock::time_point> unanswered_since_;  ///< The first heartbeat that has no answer.
    double slowest_step_ = 0;
};

}  // namespace workers
