#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "cluster/collective.h"

namespace cluster {

namespace {

/// Word i of a tensor counts (2i + 1) times this, which is odd: a changed bit changes the sum, whichever it is.
constexpr std::uint64_t weight = 0x9e3779b97f4a7c15u;
/// Words that are summed at once on a device.
constexpr std::int64_t words_at_once = std::int64_t{1} << 22;

/// Σ word_i (2i + 1) weight modulo 2⁶⁴ over 32-bit words; the last one is filled up with zeros.
std::uint64_t sum_on_host(const std::byte* bytes, std::size_t count) {
    std::uint64_t sum = 0;
    std::uint32_t word = 0;
    std::size_t i = 0;
    for (; 4 * i + 4 <= count; ++i) {
        std::memcpy(&word, bytes + 4 * i, 4);
        sum += word * ((2 * i + 1) * weight);
    }
    if (4 * i < count) {
        word = 0;
        std::memcpy(&word, bytes + 4 * i, count - 4 * i);
        sum += word * ((2 * i + 1) * weight);
    }
    return sum;
}

/// The same where the tensor lies: integers wrap and their sums do not depend on the order.
std::uint64_t sum_on_device(const at::Tensor& given) {
    // A view of words cannot begin between two of them.
    const at::Tensor bytes = given.storage_offset() % 4 == 0 ? given : given.clone();
    const std::int64_t whole = bytes.numel() / 4;
    std::uint64_t sum = 0;
    for (std::int64_t first = 0; first < whole; first += words_at_once) {
        const std::int64_t count = std::min(words_at_once, whole - first);
        const at::Tensor words =
            bytes.narrow(0, 4 * first, 4 * count).view(at::kInt).to(at::kLong).bitwise_and(0xffffffff);
        const at::Tensor factors = at::arange(first, first + count, words.options()).mul_(2).add_(1);
        sum += static_cast<std::uint64_t>((words * factors).sum().item<std::int64_t>()) * weight;
    }
    if (4 * whole < bytes.numel()) {
        const at::Tensor rest = bytes.narrow(0, 4 * whole, bytes.numel() - 4 * whole).cpu();
        std::uint32_t word = 0;
        std::memcpy(&word, rest.const_data_ptr(), rest.nbytes());
        sum += word * ((2 * static_cast<std::uint64_t>(whole) + 1) * weight);
    }
    return sum;
}

/// What was before, and this, in this order.
std::uint64_t joined(std::uint64_t before, std::uint64_t value) {
    const std::uint64_t sum = (before + value) * weight;
    return sum ^ (sum >> 29);
}

template <class Sum>
std::uint64_t checksum_by(const std::vector<at::Tensor>& tensors, const Sum& sum) {
    std::uint64_t all = joined(1, tensors.size());
    for (const at::Tensor& tensor : tensors) {
        all = joined(all, static_cast<std::uint64_t>(tensor.dim()));
        for (const std::int64_t size : tensor.sizes()) all = joined(all, static_cast<std::uint64_t>(size));
        all = joined(all, sum(tensor.contiguous()));
    }
    return all;
}

}  // namespace

std::uint64_t checksum(const std::vector<at::Tensor>& tensors) {
    return checksum_by(tensors, [](const at::Tensor& tensor) {
        if (!tensor.is_cpu()) return sum_on_device(tensor.view(-1).view(at::kByte));
        return sum_on_host(static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes());
    });
}

std::uint64_t checksum_as_on_device(const std::vector<at::Tensor>& tensors) {
    return checksum_by(tensors,
                       [](const at::Tensor& tensor) { return sum_on_device(tensor.view(-1).view(at::kByte)); });
}

}  // namespace cluster
