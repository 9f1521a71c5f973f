#include "jobs/report/comparison_csv.h"

#include <algorithm>

#include "jobs/csv_field.h"
#include "jobs/report/statistics.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

std::string csv_of(const Statistics& statistics) {
    return csv_field(statistics.mean) + "," + csv_field(statistics.standard_error) + "," +
           csv_field(statistics.interval.low) + "," + csv_field(statistics.interval.high);
}

std::int64_t diverged_rows(const ReportRun& run, const ResultPoint& point) {
    return std::ranges::count_if(point.rows, [&](std::int64_t row) {
        return run.rows.status[static_cast<std::size_t>(row)] ==
               static_cast<std::int64_t>(pipeline::RowStatus::diverged);
    });
}

}  // namespace

std::string comparison_summary_csv(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups) {
    std::string text =
        "run,method,operator,sigma_y,metric,images,mean,standard_error,interval_low,interval_high,diverged\r\n";
    for (const ReportGroup& group : groups) {
        for (const ReportLine& line : group.lines) {
            const ReportRun& run = runs[line.run];
            const ResultPoint& point = point_of(runs, line);
            for (const Metric& metric : report_metrics) {
                const auto values = values_of(values_by_image(run.rows, point, metric));
                if (values.empty()) continue;
                const Statistics statistics = statistics_of(values);
                text += csv_field(run.name) + "," + csv_field(line.label) + "," + csv_field(point.measured.label()) +
                        "," + csv_field(group.sigma_y) + "," + metric.name + "," + std::to_string(statistics.images) +
                        "," + csv_of(statistics) + "," + std::to_string(diverged_rows(run, point)) + "\r\n";
            }
        }
    }
    return text;
}

std::string comparison_differences_csv(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups) {
    std::string text =
        "first_run,first,second_run,second,operator,sigma_y,metric,images,mean,standard_error,interval_low,"
        "interval_high,share_better\r\n";
    for (const ReportGroup& group : groups) {
        if (group.is_generation) continue;
        for (std::size_t i = 0; i < group.lines.size(); ++i) {
            for (std::size_t j = i + 1; j < group.lines.size(); ++j) {
                const ReportLine& first = group.lines[i];
                const ReportLine& second = group.lines[j];
                for (const Metric& metric : report_metrics) {
                    const PairedDifference difference = paired_difference(
                        values_by_image(runs[first.run].rows, point_of(runs, first), metric),
                        values_by_image(runs[second.run].rows, point_of(runs, second), metric), metric);
                    if (difference.statistics.images == 0) continue;
                    text += csv_field(runs[first.run].name) + "," + csv_field(first.label) + "," +
                            csv_field(runs[second.run].name) + "," + csv_field(second.label) + "," +
                            csv_field(group.operator_label) + "," + csv_field(group.sigma_y) + "," + metric.name + "," +
                            std::to_string(difference.statistics.images) + "," + csv_of(difference.statistics) + "," +
                            csv_field(difference.share_better) + "\r\n";
                }
            }
        }
    }
    return text;
}

}  // namespace jobs
