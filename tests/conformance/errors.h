#pragma once

#include <ATen/core/Tensor.h>

namespace conformance {

// How far `actual` is from `expected`. All are computed in double, are infinite where a number is not finite on one
// side only, and throw std::runtime_error with both shapes where these differ.

/// max |a − e|.
double largest_difference(const at::Tensor& actual, const at::Tensor& expected);

/// max |a − e|/|e|; an expected 0 has to be met exactly.
double largest_relative_difference(const at::Tensor& actual, const at::Tensor& expected);

/// Worst row of ‖a − e‖/‖e‖, a row being everything behind the leading axis.
double worst_row_distance(const at::Tensor& actual, const at::Tensor& expected);

/// How many entries differ.
double differing_entries(const at::Tensor& actual, const at::Tensor& expected);

}  // namespace conformance
