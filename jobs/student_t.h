#pragma once

namespace jobs {

/// The quantile t with P(T ≤ t) = p of Student's distribution with ν degrees of freedom, to about 1e-10.
///
/// P(T ≤ t) = 1 − I(ν/(ν + t²); ν/2, 1/2)/2 for t ≥ 0, I the regularised incomplete beta function (Abramowitz & Stegun
/// 1964, 26.7.1), by Lentz's continued fraction, inverted by bisection.
/// @param p   in (0, 1)
/// @param nu  ≥ 1
/// @throws std::invalid_argument
double student_t_quantile(double p, int nu);

}  // namespace jobs
