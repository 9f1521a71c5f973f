#pragma once

#include <functional>
#include <optional>

namespace workers {

/// Images that a unit may have where the batch is found: more gain nothing, and a lost unit would cost more.
inline constexpr int largest_found_batch = 64;

/// Finds how many images a device's memory takes at once.
///
/// Memory is a line in the batch, fixed + b · image, through two trials; the largest b that the line puts within the
/// budget (a multiple of 8 from 8 on, of 4 from 4 on) is tried itself, and what follows below while it does not fit.
/// @param most          the largest that is of use; at most `largest_found_batch` are taken
/// @param budget_bytes  what a batch may take
/// @param bytes_of      peak of a trial with b images; nothing where memory ran out
/// @return nothing where not even one image fits
std::optional<int> find_batch(int most, double budget_bytes,
                              const std::function<std::optional<double>(int batch)>& bytes_of);

}  // namespace workers
