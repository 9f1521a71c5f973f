#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "cluster/mpi_channel.h"
#include "cluster/mpi_collective.h"
#include "cluster/mpi_environment.h"
#include "cluster/nccl_collective.h"
#include "cluster/node_layout.h"

// Every rank runs every case: each of them must come to every collective call, whatever failed before.

namespace {

cluster::Envelope next_message(cluster::Channel& channel) {
    while (true) {
        if (auto envelope = channel.poll()) return *envelope;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace

TEST(MpiChannel, EveryRankIsAnsweredByRankZero) {
    const auto channel = cluster::mpi_channel();
    if (channel->rank() == 0) {
        for (int heard = 1; heard < channel->size(); ++heard) {
            const cluster::Envelope envelope = next_message(*channel);
            EXPECT_EQ(envelope.text, "from " + std::to_string(envelope.source));
            channel->send(envelope.source, "to " + std::to_string(envelope.source));
        }
    } else {
        channel->send(0, "from " + std::to_string(channel->rank()));
        const cluster::Envelope answer = next_message(*channel);
        EXPECT_EQ(answer.source, 0);
        EXPECT_EQ(answer.text, "to " + std::to_string(channel->rank()));
    }
    EXPECT_FALSE(channel->poll().has_value());
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST(MpiChannel, SendReturnsBeforeAnyoneReceives) {
    // Larger than what MPI sends eagerly: a blocking send would wait for the other side.
    const std::string large(10'000'000, 'x');
    const auto channel = cluster::mpi_channel();
    const int next = (channel->rank() + 1) % channel->size();
    channel->send(next, large);
    channel->send(next, "");
    const cluster::Envelope first = next_message(*channel);
    const cluster::Envelope second = next_message(*channel);
    EXPECT_EQ(first.text.size(), large.size());
    EXPECT_EQ(second.text, "");
    // Everyone keeps receiving until all sends are through.
    while (channel->poll()) ADD_FAILURE() << "a message that nobody sent";
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST(MpiCollective, BroadcastBringsTheRootsValues) {
    const auto collective = cluster::mpi_collective(0);
    const int root = collective->size() - 1;
    std::vector<at::Tensor> tensors = {at::zeros({3, 5}), at::zeros({7}, at::kLong), at::zeros({0})};
    if (collective->rank() == root) tensors = {at::full({3, 5}, 2.5), at::arange(7, at::kLong), at::zeros({0})};
    collective->broadcast(tensors, root);
    EXPECT_TRUE(at::equal(tensors[0], at::full({3, 5}, 2.5)));
    EXPECT_TRUE(at::equal(tensors[1], at::arange(7, at::kLong)));
}

TEST(MpiCollective, MinimumAndMaximumOverAllRanks) {
    const auto collective = cluster::mpi_collective(0);
    // Above 2⁶³, where signed arithmetic would go wrong.
    const std::uint64_t base = (std::uint64_t{1} << 63) + 5;
    const auto rank = static_cast<std::uint64_t>(collective->rank());
    EXPECT_EQ(collective->all_reduce_minimum(base + rank), base);
    EXPECT_EQ(collective->all_reduce_maximum(base + rank), base + static_cast<std::uint64_t>(collective->size()) - 1);
}

TEST(MpiCollective, RankZeroTakesNoPartInTheWorkersGroup) {
    int rank = 0, size = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    // Rank 0 goes on without coming here; nobody waits for it.
    if (size > 1 && rank > 0) {
        const auto collective = cluster::mpi_collective(1);
        EXPECT_EQ(collective->rank(), rank - 1);
        EXPECT_EQ(collective->size(), size - 1);
        at::Tensor value = at::full({1}, 1.0 * rank);
        collective->broadcast({value}, 0);
        EXPECT_EQ(value.item<float>(), 1);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

TEST(MpiCollective, ReplicasAreProvenEqualOrNot) {
    const auto collective = cluster::mpi_collective(0);
    std::vector<at::Tensor> weights = {at::full({1000}, 1.0 + collective->rank())};
    collective->broadcast(weights, 0);
    std::uint64_t sum = cluster::checksum(weights);
    EXPECT_EQ(collective->all_reduce_minimum(sum), collective->all_reduce_maximum(sum));
    // One rank's replica goes wrong in one value.
    if (collective->rank() == collective->size() - 1) weights[0][999] += 1e-3;
    sum = cluster::checksum(weights);
    const std::uint64_t lowest = collective->all_reduce_minimum(sum);
    const std::uint64_t highest = collective->all_reduce_maximum(sum);
    EXPECT_EQ(lowest == highest, collective->size() == 1);
}

TEST(MpiCollective, TensorThatIsNotContiguousIsRefused) {
    const auto collective = cluster::mpi_collective(0);
    EXPECT_THROW(collective->broadcast({at::zeros({3, 5}).t()}, 0), std::invalid_argument);
}

TEST(SharedDevice, IsSeenByEveryRank) {
    const auto host = cluster::mpi_collective(0);
    const std::string own = "GPU-" + std::to_string(host->rank());
    EXPECT_FALSE(cluster::share_a_device(*host, own));
    // First and last rank on one GPU; those between them on their own.
    const bool is_last = host->rank() == host->size() - 1;
    EXPECT_EQ(cluster::share_a_device(*host, is_last ? "GPU-0" : own), host->size() > 1);
    // Of a longer name the first 63 characters count: no rank throws while the others wait for it.
    EXPECT_EQ(cluster::share_a_device(*host, std::string(80, 'x')), host->size() > 1);
}

TEST(SharedDevice, WeightsGoByWayOfTheHostInWhateverLayout) {
    const auto host = cluster::mpi_collective(0);
    const at::Tensor expected = at::arange(120, at::kFloat).reshape({5, 4, 3, 2});
    at::Tensor tensor = at::zeros({5, 4, 3, 2}).contiguous(at::MemoryFormat::ChannelsLast);
    if (host->rank() == 0) tensor.copy_(expected);
    cluster::broadcast_by_host(*host, {tensor}, 0);
    EXPECT_TRUE(at::equal(tensor, expected));
    EXPECT_TRUE(tensor.is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(MpiError, SpeaksInMpisWordsAndSaysWhere) {
    const auto channel = cluster::mpi_channel();
    try {
        channel->send(channel->size(), "nobody is there");
        FAIL() << "a rank that does not exist was sent to";
    } catch (const cluster::MpiError& error) {
        const std::string words = error.what();
        EXPECT_NE(words.find("MPI_Isend failed: MPI_ERR_RANK"), std::string::npos) << words;
        EXPECT_NE(words.find("mpi_channel.cpp:"), std::string::npos) << words;
    }
}

TEST(NodePlace, LocalRanksAreThoseOfTheLauncher) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const cluster::NodePlace place = cluster::node_place();
    EXPECT_EQ(place.local_rank, rank);
    EXPECT_FALSE(place.host.empty());
    EXPECT_GT(place.process, 1);
    EXPECT_TRUE(cluster::is_inside_mpi_launch());
}
