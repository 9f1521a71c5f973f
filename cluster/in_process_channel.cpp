#include <deque>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "cluster/channel.h"

namespace cluster {

namespace {

/// One inbox per rank.
struct Inboxes {
    explicit Inboxes(int size) : of_rank(static_cast<std::size_t>(size)) {}
    std::mutex mutex;
    std::vector<std::deque<Envelope>> of_rank;
};

class InProcessChannel final : public Channel {
  public:
    InProcessChannel(std::shared_ptr<Inboxes> inboxes, int rank) : inboxes_(std::move(inboxes)), rank_(rank) {}

    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(inboxes_->of_rank.size()); }

    void send(int destination, const std::string& text) override {
        if (destination < 0 || destination >= size()) {
            throw std::invalid_argument("channel: rank " + std::to_string(destination) + " does not exist, there are " +
                                        std::to_string(size()));
        }
        const std::lock_guard lock(inboxes_->mutex);
        inboxes_->of_rank[static_cast<std::size_t>(destination)].push_back({rank_, text});
    }

    std::optional<Envelope> poll() override {
        const std::lock_guard lock(inboxes_->mutex);
        std::deque<Envelope>& inbox = inboxes_->of_rank[static_cast<std::size_t>(rank_)];
        if (inbox.empty()) return std::nullopt;
        Envelope envelope = std::move(inbox.front());
        inbox.pop_front();
        return envelope;
    }

  private:
    std::shared_ptr<Inboxes> inboxes_;
    int rank_;
};

}  // namespace

std::vector<std::unique_ptr<Channel>> in_process_channels(int size) {
    const auto inboxes = std::make_shared<Inboxes>(size);
    std::vector<std::unique_ptr<Channel>> channels;
    for (int rank = 0; rank < size; ++rank) channels.push_back(std::make_unique<InProcessChannel>(inboxes, rank));
    return channels;
}

}  // namespace cluster
