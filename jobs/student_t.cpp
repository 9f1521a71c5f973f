#include "jobs/student_t.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace jobs {

namespace {

/// The continued fraction of I(x; a, b), which converges fast for x < (a + 1)/(a + b + 2).
double beta_fraction(double x, double a, double b) {
    constexpr double tiny = 1e-300;
    const auto kept = [](double value) { return std::abs(value) < tiny ? tiny : value; };
    double c = 1, d = 1 / kept(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m <= 500; ++m) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / kept(1 + even * d);
        c = kept(1 + even / c);
        h *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / kept(1 + odd * d);
        c = kept(1 + odd / c);
        h *= d * c;
        if (std::abs(d * c - 1) < 1e-15) break;
    }
    return h;
}

double incomplete_beta(double x, double a, double b) {
    if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
    const double front =
        std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double probability_below(double t, int nu) {
    const double tail = incomplete_beta(nu / (nu + t * t), nu / 2.0, 0.5) / 2;
    return t >= 0 ? 1 - tail : tail;
}

}  // namespace

double student_t_quantile(double p, int nu) {
    if (!(p > 0 && p < 1) || nu < 1) {
        throw std::invalid_argument("student_t_quantile: p = " + std::to_string(p) + ", nu = " + std::to_string(nu) +
                                    ", expected 0 < p < 1 and nu ≥ 1");
    }
    if (p < 0.5) return -student_t_quantile(1 - p, nu);
    double low = 0, high = 1;
    while (probability_below(high, nu) < p) high *= 2;
    for (int step = 0; step < 100; ++step) {
        const double middle = (low + high) / 2;
        (probability_below(middle, nu) < p ? low : high) = middle;
    }
    return (low + high) / 2;
}

}  // namespace jobs
