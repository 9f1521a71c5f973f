#include "jobs/report/summary.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include "jobs/csv_field.h"
#include "jobs/report/result_points.h"
#include "jobs/report/statistics.h"
#include "pipeline/data/commit.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

std::vector<double> image_values(const ResultRows& rows, const ResultPoint& point, const Metric& metric) {
    return values_of(values_by_image(rows, point, metric));
}

bool have_same_measurement(const ResultPoint& one, const ResultPoint& other) {
    return !one.measured.is_generation() && one.measured.label() == other.measured.label() &&
           one.measured.sigma_label() == other.measured.sigma_label();
}

DifferenceLine difference_of(const ResultRows& rows, const ResultPoint& first, const ResultPoint& second,
                             const Metric& metric) {
    const PairedDifference difference =
        paired_difference(values_by_image(rows, first, metric), values_by_image(rows, second, metric), metric);
    return {.first = first.label(),
            .second = second.label(),
            .operator_label = first.measured.label(),
            .sigma_y = first.measured.sigma_y,
            .metric = metric.name,
            .images = difference.statistics.images,
            .mean = difference.statistics.mean,
            .standard_error = difference.statistics.standard_error,
            .interval = difference.statistics.interval,
            .share_better = difference.share_better};
}

std::string csv_statistics(double mean, double error, const Interval& interval) {
    return csv_field(mean) + "," + csv_field(error) + "," + csv_field(interval.low) + "," + csv_field(interval.high);
}

std::string interval_words(double mean, const Interval& interval, int digits, bool is_signed) {
    if (std::isnan(mean)) return "-";
    char text[96];
    const char* format = is_signed ? "%+.*f [%+.*f, %+.*f]" : "%.*f [%.*f, %.*f]";
    std::snprintf(text, sizeof text, format, digits, mean, digits, interval.low, digits, interval.high);
    return text;
}

/// The point of a group whose mean PSNR is highest.
const ResultPoint* best_of(const ResultRows& rows, const std::vector<ResultPoint>& points, const ResultPoint& like) {
    const ResultPoint* best = nullptr;
    double highest = -std::numeric_limits<double>::infinity();
    for (const ResultPoint& point : points) {
        if (!have_same_measurement(point, like)) continue;
        const double mean = statistics_of(image_values(rows, point, report_metrics[0])).mean;
        if (!(mean > highest)) continue;
        highest = mean;
        best = &point;
    }
    return best;
}

}  // namespace

std::vector<SummaryLine> summary_lines(const std::filesystem::path& results) {
    const ResultRows rows = read_result_rows(results);
    std::vector<SummaryLine> lines;
    for (const ResultPoint& point : result_points(rows)) {
        std::int64_t diverged = 0;
        for (const std::int64_t row : point.rows) {
            const auto status = rows.status[static_cast<std::size_t>(row)];
            diverged += status == static_cast<std::int64_t>(pipeline::RowStatus::diverged) ? 1 : 0;
        }
        for (const Metric& metric : report_metrics) {
            const std::vector<double> values = image_values(rows, point, metric);
            if (values.empty()) continue;
            const Statistics statistics = statistics_of(values);
            lines.push_back({.method = point.label(),
                             .operator_label = point.measured.label(),
                             .sigma_y = point.measured.sigma_y,
                             .metric = metric.name,
                             .images = static_cast<std::int64_t>(values.size()),
                             .mean = statistics.mean,
                             .standard_error = statistics.standard_error,
                             .interval = statistics.interval,
                             .diverged = diverged});
        }
    }
    return lines;
}

std::vector<DifferenceLine> difference_lines(const std::filesystem::path& results) {
    const ResultRows rows = read_result_rows(results);
    const std::vector<ResultPoint> points = result_points(rows);
    std::vector<DifferenceLine> lines;
    for (std::size_t i = 0; i < points.size(); ++i) {
        for (std::size_t j = i + 1; j < points.size(); ++j) {
            if (!have_same_measurement(points[i], points[j])) continue;
            for (const Metric& metric : report_metrics) {
                DifferenceLine line = difference_of(rows, points[i], points[j], metric);
                if (line.images > 0) lines.push_back(std::move(line));
            }
        }
    }
    return lines;
}

void write_summary(const std::filesystem::path& results, const std::filesystem::path& folder) {
    std::string text =
        "method,operator,sigma_y,metric,images,mean,standard_error,interval_low,interval_high,diverged\r\n";
    for (const SummaryLine& line : summary_lines(results)) {
        text += csv_field(line.method) + "," + csv_field(line.operator_label) + "," + csv_field(line.sigma_y) + "," +
                line.metric + "," + std::to_string(line.images) + "," +
                csv_statistics(line.mean, line.standard_error, line.interval) + "," + std::to_string(line.diverged) +
                "\r\n";
    }
    pipeline::commit_bytes(folder / "summary.csv", text);

    text =
        "first,second,operator,sigma_y,metric,images,mean,standard_error,interval_low,interval_high,share_better\r\n";
    for (const DifferenceLine& line : difference_lines(results)) {
        text += csv_field(line.first) + "," + csv_field(line.second) + "," + csv_field(line.operator_label) + "," +
                csv_field(line.sigma_y) + "," + line.metric + "," + std::to_string(line.images) + "," +
                csv_statistics(line.mean, line.standard_error, line.interval) + "," + csv_field(line.share_better) +
                "\r\n";
    }
    pipeline::commit_bytes(folder / "differences.csv", text);
}

std::string interval_table(const std::filesystem::path& results) {
    const ResultRows rows = read_result_rows(results);
    const std::vector<ResultPoint> points = result_points(rows);
    std::string text;
    const ResultPoint* before = nullptr;
    for (const ResultPoint& point : points) {
        if (point.measured.is_generation()) continue;
        if (before == nullptr || !have_same_measurement(*before, point)) {
            text +=
                (before == nullptr ? "" : "\n") + point.measured.label() + " at " + point.measured.sigma_label() + "\n";
        }
        before = &point;
        const ResultPoint* best = best_of(rows, points, point);
        text += "  " + point.label() + "\n";
        for (const Metric& metric : report_metrics) {
            const std::vector<double> values = image_values(rows, point, metric);
            if (values.size() < 2) continue;
            const int digits = metric.digits;
            const Statistics statistics = statistics_of(values);
            text += "    " + std::string(metric.name) + " " +
                    interval_words(statistics.mean, statistics.interval, digits, false);
            if (best != nullptr && best != &point) {
                const DifferenceLine line = difference_of(rows, point, *best, metric);
                text += ", against " + best->label() + " " + interval_words(line.mean, line.interval, digits, true);
            }
            text += "\n";
        }
    }
    return text +
           "\nmean [95 % bootstrap interval] over images; differences image by image from the highest mean PSNR\n";
}

}  // namespace jobs
