#include "jobs/report/posterior_table.h"

#include <cmath>
#include <cstdio>
#include <vector>

#include "jobs/report/aligned_table.h"
#include "jobs/report/result_posterior.h"
#include "pipeline/data/file_error.h"

namespace jobs {

namespace {

/// Mean over the entries that have a number; "-" where none has.
std::string mean_of_entries(const ResultPosterior& posterior, const std::vector<std::int64_t>& entries,
                            const PosteriorColumn& column) {
    double sum = 0;
    int count = 0;
    for (const std::int64_t entry : entries) {
        const double value = posterior.value(column, entry);
        if (std::isnan(value)) continue;
        sum += value;
        ++count;
    }
    if (count == 0) return "-";
    char text[48];
    std::snprintf(text, sizeof text, "%.*f", column.digits, sum / count);
    return text;
}

}  // namespace

std::string posterior_table(const std::filesystem::path& results) {
    try {
        const ResultRows rows = read_result_rows(results);
        const std::vector<ResultPoint> points = result_points(rows);
        const ResultPosterior posterior(results, rows, points);
        if (posterior.is_empty()) return {};
        std::vector<TableCells> lines = {{"several samples", "operator", "sigma_y (on [0, 1])"}};
        for (const PosteriorColumn& column : posterior_columns) lines.front().emplace_back(column.title);
        lines.front().emplace_back("images");
        for (std::size_t point = 0; point < points.size(); ++point) {
            // One sample says nothing together.
            std::vector<std::int64_t> entries = posterior.entries(point);
            std::erase_if(entries,
                          [&](std::int64_t entry) { return posterior.value(posterior_columns[0], entry) < 2; });
            if (entries.empty()) continue;
            lines.push_back(
                {points[point].label(), points[point].measured.label(), points[point].measured.sigma_label()});
            for (const PosteriorColumn& column : posterior_columns) {
                lines.back().push_back(mean_of_entries(posterior, entries, column));
            }
            lines.back().push_back(std::to_string(entries.size()));
        }
        return lines.size() > 1 ? aligned(lines) : std::string();
    } catch (const pipeline::Hdf5Error& error) {
        throw pipeline::FileError(results, std::string("is not what merge writes: ") + error.what());
    }
}

}  // namespace jobs
