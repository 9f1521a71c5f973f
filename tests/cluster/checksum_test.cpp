#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include "cluster/collective.h"

namespace {

std::vector<at::Tensor> some_tensors() {
    return {at::arange(12, at::kFloat).reshape({3, 4}), at::arange(5, at::kFloat)};
}

}  // namespace

TEST(Checksum, EqualTensorsAgree) {
    EXPECT_EQ(cluster::checksum(some_tensors()), cluster::checksum(some_tensors()));
}

TEST(Checksum, EveryChangedBitOfOneValueShows) {
    const std::uint64_t sum = cluster::checksum(some_tensors());
    for (int bit = 0; bit < 32; ++bit) {
        auto tensors = some_tensors();
        static_cast<std::uint32_t*>(tensors[0].data_ptr())[7] ^= std::uint32_t{1} << bit;
        EXPECT_NE(cluster::checksum(tensors), sum) << "bit " << bit;
    }
}

TEST(Checksum, OrderAndShapeShow) {
    const std::uint64_t sum = cluster::checksum(some_tensors());
    auto swapped = some_tensors();
    std::swap(swapped[0], swapped[1]);
    EXPECT_NE(cluster::checksum(swapped), sum);
    auto reshaped = some_tensors();
    reshaped[0] = reshaped[0].reshape({4, 3});
    EXPECT_NE(cluster::checksum(reshaped), sum);
}

TEST(Checksum, OperationsOfDevicesGiveTheSameValue) {
    std::vector<at::Tensor> tensors = some_tensors();
    tensors.push_back(at::arange(7, at::kFloat).to(at::kBFloat16));
    tensors.push_back(at::arange(3 * 5 * 2 * 2, at::kFloat).reshape({3, 5, 2, 2}).mul_(-1.7));
    tensors.push_back(at::arange(9, at::kByte));
    tensors.push_back(at::arange(4'200'001, at::kFloat).mul_(-3));  // more than are summed at once
    EXPECT_EQ(cluster::checksum_as_on_device(tensors), cluster::checksum(tensors));
    std::vector<at::Tensor> channels_last = tensors;
    channels_last[3] = tensors[3].contiguous(at::MemoryFormat::ChannelsLast);
    EXPECT_EQ(cluster::checksum(channels_last), cluster::checksum(tensors));
}

TEST(Checksum, TensorMayBeginBetweenTwoWords) {
    const at::Tensor halves = at::arange(9, at::kFloat).to(at::kBFloat16).narrow(0, 1, 8);
    EXPECT_EQ(cluster::checksum_as_on_device({halves}), cluster::checksum({halves.clone()}));
    const at::Tensor bytes = at::arange(12, at::kByte).narrow(0, 3, 9);
    EXPECT_EQ(cluster::checksum_as_on_device({bytes}), cluster::checksum({bytes.clone()}));
}

TEST(Checksum, EmptyTensorsAndScalarsCountByTheirShape) {
    EXPECT_EQ(cluster::checksum_as_on_device({at::zeros({0}), at::zeros({})}),
              cluster::checksum({at::zeros({0}), at::zeros({})}));
    EXPECT_NE(cluster::checksum({at::zeros({0, 3})}), cluster::checksum({at::zeros({3, 0})}));
}

TEST(Checksum, TailShorterThanAWordShows) {
    at::Tensor bytes = at::zeros({9}, at::kByte);
    const std::uint64_t sum = cluster::checksum({bytes});
    bytes[8] = 1;
    EXPECT_NE(cluster::checksum({bytes}), sum);
}
