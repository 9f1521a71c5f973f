#include "workers/batch_search.h"

#include <algorithm>
#include <cmath>

namespace workers {

namespace {

/// The sizes that kernels like: multiples of 8, of 4 below 8.
int rounded_down(int batch) {
    if (batch >= 8) return batch / 8 * 8;
    return batch >= 4 ? 4 : std::max(batch, 1);
}

}  // namespace

std::optional<int> find_batch(int most, double budget_bytes,
                              const std::function<std::optional<double>(int batch)>& bytes_of) {
    most = std::clamp(most, 1, largest_found_batch);
    const auto fits = [&](const std::optional<double>& bytes) { return bytes && *bytes <= budget_bytes; };
    const std::optional<double> one = bytes_of(1);
    if (!fits(one)) return std::nullopt;
    if (most == 1) return 1;
    const int second = std::min(4, most);
    const std::optional<double> several = bytes_of(second);
    if (!fits(several)) return second > 2 && fits(bytes_of(2)) ? 2 : 1;

    const double image = std::max(1.0, (*several - *one) / (second - 1));
    const double line = second + std::floor((budget_bytes - *several) / image);
    for (int batch = rounded_down(static_cast<int>(std::min<double>(line, most))); batch > second;
         batch = rounded_down(batch - 1)) {
        if (fits(bytes_of(batch))) return batch;
    }
    return rounded_down(second);
}

}  // namespace workers
