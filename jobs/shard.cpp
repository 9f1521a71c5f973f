#include "jobs/shard.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string_view>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

constexpr int most_shards = 100'000;

bool read_whole(std::string_view text, int& number) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && stop == text.data() + text.size();
}

}  // namespace

Shard Shard::parse(const std::string& text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string_view index = std::string_view(text).substr(0, slash);
    const std::string_view count = std::string_view(text).substr(std::min(slash + 1, text.size()));
    Shard shard;
    if (!read_whole(index, shard.index) || !read_whole(count, shard.count) || shard.index < 1 ||
        shard.count > most_shards || shard.index > shard.count) {
        throw JobError("--shard " + pipeline::printable(text) + ": is no shard; allowed: I/K with 1 <= I <= K <= " +
                       std::to_string(most_shards) + ", as in 3/8");
    }
    return shard;
}

std::string Shard::text() const {
    return std::to_string(index) + "/" + std::to_string(count);
}

std::string Shard::journal_name() const {
    return "journal-shard-" + std::to_string(index) + "-of-" + std::to_string(count) + ".jsonl";
}

std::vector<std::int64_t> shard_units(const SweepPlan& plan, Shard shard) {
    std::vector<double> costs(static_cast<std::size_t>(plan.unit_count()));
    for (std::size_t unit = 0; unit < costs.size(); ++unit) costs[unit] = plan.cost(static_cast<std::int64_t>(unit));
    std::vector<std::int64_t> order(costs.size());
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::ranges::stable_sort(order, std::greater{},
                             [&](std::int64_t unit) { return costs[static_cast<std::size_t>(unit)]; });

    std::vector<std::int64_t> units;
    const auto count = static_cast<std::size_t>(shard.count), wanted = static_cast<std::size_t>(shard.index - 1);
    for (std::size_t first = 0, round = 0; first < order.size(); first += count, ++round) {
        const std::size_t place = first + (round % 2 == 0 ? wanted : count - 1 - wanted);
        if (place < order.size()) units.push_back(order[place]);
    }
    return units;
}

}  // namespace jobs
