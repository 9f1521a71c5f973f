#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cluster {

/// A small message and who sent it.
struct Envelope {
    int source = 0;
    std::string text;
};

/// Small messages between ranks. Workers begin every exchange; rank 0 answers. No collective is hidden in it.
///
/// The MPI channel and its in-process twin run the same coordinator and workers. One thread per rank calls it.
class Channel {
  public:
    virtual ~Channel() = default;
    virtual int rank() const = 0;
    virtual int size() const = 0;
    virtual void send(int destination, const std::string& text) = 0;
    /// The next message from anyone, or nothing where none has arrived. Never blocks.
    virtual std::optional<Envelope> poll() = 0;
};

/// Channels of one process, one per rank: for tests, each used by a thread of its own.
std::vector<std::unique_ptr<Channel>> in_process_channels(int size);

}  // namespace cluster
