#include "jobs/report/statistics.h"

#include <cmath>
#include <limits>
#include <utility>

namespace jobs {

namespace {

constexpr double undefined_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

std::map<std::int64_t, double> values_by_image(const ResultRows& rows, const ResultPoint& point, const Metric& metric) {
    std::map<std::int64_t, std::pair<double, double>> sums;
    for (const std::int64_t row : point.rows) {
        const double value = (rows.*metric.values)[static_cast<std::size_t>(row)];
        if (!std::isfinite(value)) continue;
        auto& [sum, count] = sums[rows.image_index[static_cast<std::size_t>(row)]];
        sum += value;
        count += 1;
    }
    std::map<std::int64_t, double> values;
    for (const auto& [image, sum] : sums) values[image] = sum.first / sum.second;
    return values;
}

Statistics statistics_of(const std::vector<double>& values) {
    Statistics result{static_cast<std::int64_t>(values.size()),
                      undefined_number,
                      undefined_number,
                      {undefined_number, undefined_number}};
    if (values.empty()) return result;
    const auto n = static_cast<double>(values.size());
    double sum = 0, squares = 0;
    for (const double value : values) sum += value;
    result.mean = sum / n;
    for (const double value : values) squares += (value - result.mean) * (value - result.mean);
    if (values.size() > 1) result.standard_error = std::sqrt(squares / (n - 1) / n);
    result.interval = bootstrap_interval(values);
    return result;
}

PairedDifference paired_difference(const std::map<std::int64_t, double>& one,
                                   const std::map<std::int64_t, double>& other, const Metric& metric) {
    std::vector<double> differences;
    double better = 0;
    for (const auto& [image, value] : one) {
        const auto found = other.find(image);
        if (found == other.end()) continue;
        const double difference = value - found->second;
        differences.push_back(difference);
        better += difference == 0 ? 0.5 : (difference > 0) == metric.is_better_higher ? 1 : 0;
    }
    return {statistics_of(differences),
            differences.empty() ? undefined_number : better / static_cast<double>(differences.size())};
}

std::vector<double> values_of(const std::map<std::int64_t, double>& by_image) {
    std::vector<double> values;
    for (const auto& [image, value] : by_image) values.push_back(value);
    return values;
}

}  // namespace jobs
