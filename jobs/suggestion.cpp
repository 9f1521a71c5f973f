#include "jobs/suggestion.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace jobs {

namespace {

/// Levenshtein's distance, with the exchange of two neighbours as one step.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        next[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            next[j] = std::min({row[j] + 1, next[j - 1] + 1, replaced});
            const bool is_exchange = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (is_exchange) next[j] = std::min(next[j], before[j - 2] + 1);
        }
        before.swap(row);
        row.swap(next);
    }
    return row[b.size()];
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string> known) {
    // Further away it is another word: half of a short one's letters, three of a long one's.
    std::size_t best = std::min<std::size_t>(3, word.size() / 2) + 1;
    const std::string* nearest = nullptr;
    for (const std::string& candidate : known) {
        const bool is_beginning = !word.empty() && candidate.starts_with(word);
        const std::size_t distance = is_beginning ? 1 : edit_distance(word, candidate);
        if (distance < best) {
            best = distance;
            nearest = &candidate;
        }
    }
    return nearest == nullptr ? "" : " (did you mean " + *nearest + "?)";
}

}  // namespace jobs
