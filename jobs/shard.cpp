#include "jobs/shard.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

constexpr int shards_at_most = 100000;

}  // namespace

Shard parse_shard(const std::string& text) {
    Shard shard{0, 0};
    const char* end = text.data() + text.size();
    const auto index = std::from_chars(text.data(), end, shard.index);
    const bool has_slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
    const auto count = has_slash ? std::from_chars(index.ptr + 1, end, shard.count) : index;
    const bool is_read = has_slash && count.ec == std::errc() && count.ptr == end;
    if (!is_read || shard.count < 1 || shard.count > shards_at_most || shard.index < 1 || shard.index > shard.count) {
        throw JobError("shard: '" + pipeline::printable(text) + "', expected I/K with 1 <= I <= K <= " +
                       std::to_string(shards_at_most));
    }
    return shard;
}

std::vector<std::int64_t> shard_units(const SweepPlan& plan, const Shard& shard) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(plan.unit_count()));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::ranges::stable_sort(order, [&](std::int64_t a, std::int64_t b) { return plan.cost(a) > plan.cost(b); });
    std::vector<std::int64_t> own;
    const auto count = static_cast<std::size_t>(shard.count);
    for (std::size_t place = 0; place < order.size(); ++place) {
        const std::size_t round = place / count, step = place % count;
        const std::size_t dealt_to = round % 2 == 0 ? step : count - 1 - step;
        if (dealt_to == static_cast<std::size_t>(shard.index - 1)) own.push_back(order[place]);
    }
    return own;
}

}  // namespace jobs
