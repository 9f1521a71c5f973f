#include "cluster/mpi_channel.h"

#include <mpi.h>

#include <limits>
#include <list>
#include <map>
#include <stdexcept>

#include "cluster/mpi_environment.h"

namespace cluster {

namespace {

constexpr int message_tag = 1;

MPI_Comm parent_communicator() {
    MPI_Comm parent = MPI_COMM_NULL;
    check_mpi(MPI_Comm_get_parent(&parent), "MPI_Comm_get_parent");
    return parent;
}

/// Sends are begun and completed later, so that a rank that does not receive holds nobody up.
class ChannelOfRanks final : public MpiChannel {
  public:
    explicit ChannelOfRanks(int number) : parent_(parent_communicator()) {
        if (parent_ != MPI_COMM_NULL) {
            check_mpi(MPI_Comm_set_errhandler(parent_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
            rank_ = number;
            size_ = number + 1;
            return;
        }
        check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
        check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
    }

    ~ChannelOfRanks() override {
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
        const auto [communicator, rank] = address(destination);
        Outgoing& message = outgoing_.emplace_back(Outgoing{text, MPI_REQUEST_NULL});
        check_mpi(MPI_Isend(message.text.data(), static_cast<int>(message.text.size()), MPI_CHAR, rank, message_tag,
                            communicator, &message.request),
                  "MPI_Isend");
    }

    std::optional<Envelope> poll() override {
        complete_sends();
        if (parent_ != MPI_COMM_NULL) return poll(parent_, 0);
        if (std::optional<Envelope> envelope = poll(MPI_COMM_WORLD, std::nullopt)) return envelope;
        for (const auto& [rank, communicator] : started_) {
            if (std::optional<Envelope> envelope = poll(communicator, rank)) return envelope;
        }
        return std::nullopt;
    }

    int start_rank(const std::function<std::vector<std::string>(int rank)>& program) override {
        const int rank = size_ + static_cast<int>(started_.size());
        std::vector<std::string> words = program(rank);
        std::vector<char*> arguments;
        for (std::size_t word = 1; word < words.size(); ++word) arguments.push_back(words[word].data());
        arguments.push_back(nullptr);
        MPI_Comm communicator = MPI_COMM_NULL;
        int error = MPI_SUCCESS;
        check_mpi(MPI_Comm_spawn(words.front().c_str(), arguments.data(), 1, MPI_INFO_NULL, 0, MPI_COMM_SELF,
                                 &communicator, &error),
                  "MPI_Comm_spawn");
        check_mpi(error, "MPI_Comm_spawn");
        check_mpi(MPI_Comm_set_errhandler(communicator, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
        started_[rank] = communicator;
        return rank;
    }

  private:
    struct Outgoing {
        std::string text;
        MPI_Request request;
    };

    /// Communicator and rank in it of one of our numbers.
    std::pair<MPI_Comm, int> address(int destination) const {
        if (parent_ != MPI_COMM_NULL) {
            if (destination != 0) throw std::invalid_argument("channel: a started rank speaks with rank 0 alone");
            return {parent_, 0};
        }
        const auto started = started_.find(destination);
        if (started != started_.end()) return {started->second, 0};
        return {MPI_COMM_WORLD, destination};
    }

    /// @param source  our number of all that arrives there; nothing: its rank there
    std::optional<Envelope> poll(MPI_Comm communicator, std::optional<int> source) {
        int has_arrived = 0;
        MPI_Status status;
        check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, message_tag, communicator, &has_arrived, &status), "MPI_Iprobe");
        if (!has_arrived) return std::nullopt;
        int length = 0;
        check_mpi(MPI_Get_count(&status, MPI_CHAR, &length), "MPI_Get_count");
        Envelope envelope{source.value_or(status.MPI_SOURCE), std::string(static_cast<std::size_t>(length), '\0')};
        check_mpi(MPI_Recv(envelope.text.data(), length, MPI_CHAR, status.MPI_SOURCE, message_tag, communicator,
                           MPI_STATUS_IGNORE),
                  "MPI_Recv");
        return envelope;
    }

    void complete_sends() {
        for (auto message = outgoing_.begin(); message != outgoing_.end();) {
            int is_done = 0;
            check_mpi(MPI_Test(&message->request, &is_done, MPI_STATUS_IGNORE), "MPI_Test");
            message = is_done ? outgoing_.erase(message) : std::next(message);
        }
    }

    MPI_Comm parent_;
    int rank_ = 0;
    int size_ = 1;
    std::map<int, MPI_Comm> started_;  ///< By our numbers.
    std::list<Outgoing> outgoing_;
};

}  // namespace

std::unique_ptr<MpiChannel> mpi_channel(int number) {
    return std::make_unique<ChannelOfRanks>(number);
}

bool is_started_rank() {
    return parent_communicator() != MPI_COMM_NULL;
}

}  // namespace cluster
