#include <cstddef>
#include <cstring>
#include <span>

#include "cluster/collective.h"

namespace cluster {

namespace {

/// Two running sums modulo 2⁶⁴, the second of the first: order matters, and one changed word changes both.
struct RunningSum {
    std::uint64_t first = 1;
    std::uint64_t second = 0;

    void add(std::uint64_t word) {
        // The odd factor spreads a change of high bits, which plain sums would lose at the top.
        first = (first + word) * 0x9e3779b97f4a7c15u;
        first ^= first >> 29;
        second += first;
    }

    void add(std::span<const std::byte> bytes) {
        std::size_t at = 0;
        for (std::uint64_t word = 0; at + sizeof word <= bytes.size(); at += sizeof word) {
            std::memcpy(&word, bytes.data() + at, sizeof word);
            add(word);
        }
        std::uint64_t tail = 0;
        if (at < bytes.size()) std::memcpy(&tail, bytes.data() + at, bytes.size() - at);
        add(tail);
    }
};

}  // namespace

std::uint64_t checksum(const std::vector<at::Tensor>& tensors) {
    RunningSum sum;
    sum.add(tensors.size());
    for (const at::Tensor& tensor : tensors) {
        sum.add(static_cast<std::uint64_t>(tensor.dim()));
        for (const std::int64_t size : tensor.sizes()) sum.add(static_cast<std::uint64_t>(size));
        const at::Tensor values = tensor.cpu().contiguous();
        sum.add(std::span(static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()));
    }
    return sum.first ^ sum.second;
}

}  // namespace cluster
