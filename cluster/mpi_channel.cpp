#include "cluster/mpi_channel.h"

#include <mpi.h>

#include <limits>
#include <list>
#include <stdexcept>

#include "cluster/mpi_environment.h"

namespace cluster {

namespace {

constexpr int message_tag = 1;

/// Sends are begun and completed later, so that a rank that does not receive holds nobody up.
class MpiChannel final : public Channel {
  public:
    MpiChannel() {
        check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
        check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
    }

    ~MpiChannel() override {
        // What was said last must leave before MPI is finalised.
        for (Outgoing& message : outgoing_) MPI_Wait(&message.request, MPI_STATUS_IGNORE);
    }

    int rank() const override { return rank_; }
    int size() const override { return size_; }

    void send(int destination, const std::string& text) override {
        if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
            throw std::invalid_argument("channel: a message of " + std::to_string(text.size()) +
                                        " bytes; at most 2^31 - 1");
        }
        complete_sends();
        Outgoing& message = outgoing_.emplace_back(Outgoing{text, MPI_REQUEST_NULL});
        check_mpi(MPI_Isend(message.text.data(), static_cast<int>(message.text.size()), MPI_CHAR, destination,
                            message_tag, MPI_COMM_WORLD, &message.request),
                  "MPI_Isend");
    }

    std::optional<Envelope> poll() override {
        complete_sends();
        int has_arrived = 0;
        MPI_Status status;
        check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, message_tag, MPI_COMM_WORLD, &has_arrived, &status), "MPI_Iprobe");
        if (!has_arrived) return std::nullopt;
        int length = 0;
        check_mpi(MPI_Get_count(&status, MPI_CHAR, &length), "MPI_Get_count");
        Envelope envelope{status.MPI_SOURCE, std::string(static_cast<std::size_t>(length), '\0')};
        check_mpi(MPI_Recv(envelope.text.data(), length, MPI_CHAR, envelope.source, message_tag, MPI_COMM_WORLD,
                           MPI_STATUS_IGNORE),
                  "MPI_Recv");
        return envelope;
    }

  private:
    struct Outgoing {
        std::string text;
        MPI_Request request;
    };

    void complete_sends() {
        for (auto message = outgoing_.begin(); message != outgoing_.end();) {
            int is_done = 0;
            check_mpi(MPI_Test(&message->request, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
            message = is_done ? outgoing_.erase(message) : std::next(message);
        }
    }

    int rank_ = 0;
    int size_ = 1;
    std::list<Outgoing> outgoing_;
};

}  // namespace

std::unique_ptr<Channel> mpi_channel() {
    return std::make_unique<MpiChannel>();
}

}  // namespace cluster
