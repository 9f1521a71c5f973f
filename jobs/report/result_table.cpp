#include "jobs/report/result_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "jobs/report/aligned_table.h"
#include "jobs/report/result_points.h"
#include "operators/option.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t names_shown = 5;

/// The mean over rows, and its error over images: several samples of one image are not independent.
Mean mean_of(const ResultPoint& point, const std::vector<double>& values, const std::vector<std::int64_t>& images) {
    double sum = 0, count = 0;
    std::map<std::int64_t, std::pair<double, double>> by_image;
    for (const std::int64_t row : point.rows) {
        const double value = values[static_cast<std::size_t>(row)];
        if (std::isnan(value)) continue;
        sum += value;
        count += 1;
        auto& [image_sum, image_count] = by_image[images[static_cast<std::size_t>(row)]];
        image_sum += value;
        image_count += 1;
    }
    if (by_image.empty()) return {not_a_number, not_a_number};
    const auto n = static_cast<double>(by_image.size());
    if (n < 2) return {sum / count, not_a_number};
    double mean = 0, squares = 0;
    for (const auto& entry : by_image) mean += entry.second.first / entry.second.second / n;
    for (const auto& entry : by_image) squares += std::pow(entry.second.first / entry.second.second - mean, 2);
    return {sum / count, std::sqrt(squares / (n - 1) / n)};
}

/// "chelsea.png, coffee.png sample 1, …": rows of a point with this status.
std::string named_rows(const ResultRows& rows, const ResultPoint& point, std::int64_t status) {
    std::string names;
    std::size_t count = 0;
    for (const std::int64_t row : point.rows) {
        const auto place = static_cast<std::size_t>(row);
        if (rows.status[place] != status) continue;
        if (count++ == names_shown) return names + ", …";
        names += count > 1 ? ", " : "";
        names += pipeline::printable(rows.image_name[place]);
        if (rows.image_index[place] < 0 || rows.sample[place] > 0) {
            names +=
                (names.ends_with(' ') || names.empty() ? "sample " : " sample ") + std::to_string(rows.sample[place]);
        }
    }
    return names;
}

TableLine line_of(const ResultRows& rows, const ResultPoint& point) {
    TableLine line{
        .method = point.label(), .operator_label = point.measured.label(), .sigma_y = point.measured.sigma_y};
    std::set<std::int64_t> images;
    for (const std::int64_t row : point.rows) {
        const auto place = static_cast<std::size_t>(row);
        if (rows.status[place] == static_cast<std::int64_t>(pipeline::RowStatus::diverged)) ++line.diverged;
        if (rows.status[place] == static_cast<std::int64_t>(pipeline::RowStatus::unreadable)) ++line.unreadable;
        if (rows.status[place] != static_cast<std::int64_t>(pipeline::RowStatus::done)) continue;
        ++line.rows;
        images.insert(point.measured.is_generation() ? rows.sample[place] : rows.image_index[place]);
    }
    line.images = static_cast<std::int64_t>(images.size());
    line.psnr = mean_of(point, rows.psnr, rows.image_index);
    line.ssim = mean_of(point, rows.ssim, rows.image_index);
    line.lpips = mean_of(point, rows.lpips, rows.image_index);
    line.residual = mean_of(point, rows.residual, rows.image_index);
    line.nfe = rows.nfe[static_cast<std::size_t>(point.rows.front())];
    line.seconds = mean_of(point, rows.seconds, rows.image_index).value;
    return line;
}

/// What all methods of a measurement were given: the line to beat.
TableLine measurement_line(const ResultRows& rows, const ResultPoint& point) {
    TableLine line = line_of(rows, point);
    line.method = "(measurement)";
    line.psnr = mean_of(point, rows.psnr_measurement, rows.image_index);
    line.ssim = line.lpips = {not_a_number, not_a_number};
    line.nfe = line.diverged = line.unreadable = 0;
    line.seconds = not_a_number;
    return line;
}

/// Groups of points that share a measurement.
bool begins_group(const std::vector<ResultPoint>& points, std::size_t i) {
    if (i == 0) return true;
    const MeasuredAs& here = points[i].measured;
    const MeasuredAs& before = points[i - 1].measured;
    return here.label() != before.label() || here.sigma_label() != before.sigma_label();
}

std::string in_format(const char* format, int digits, double value) {
    char text[48];
    std::snprintf(text, sizeof text, format, digits, value);
    return text;
}

/// "24.13 ± 0.42"; without error where there is one image.
std::string mean_words(const Mean& mean, int digits) {
    if (std::isnan(mean.value)) return "-";
    const std::string value = in_format("%.*f", digits, mean.value);
    return std::isnan(mean.standard_error) ? value : value + " ± " + in_format("%.*f", digits, mean.standard_error);
}

/// True where no row was scored against a truth, and some were held to their measurements.
bool is_without_truth(const ResultRows& rows) {
    const auto is_known = [](double value) { return !std::isnan(value); };
    return std::ranges::none_of(rows.psnr, is_known) && std::ranges::any_of(rows.residual, is_known);
}

TableCells cells_of(const TableLine& line, const MeasuredAs& measured, bool has_truth) {
    TableCells cells = {line.method, measured.is_generation() ? "-" : line.operator_label,
                        measured.is_generation() ? "-" : measured.sigma_label()};
    const TableCells metrics =
        has_truth ? TableCells{mean_words(line.psnr, 2), mean_words(line.ssim, 3), mean_words(line.lpips, 3)}
                  : TableCells{mean_words(line.residual, 3)};
    cells.insert(cells.end(), metrics.begin(), metrics.end());
    const TableCells costs = {line.nfe > 0 ? std::to_string(line.nfe) : "-",
                              std::isnan(line.seconds) ? "-" : in_format("%.*g", 3, line.seconds),
                              std::to_string(line.images)};
    cells.insert(cells.end(), costs.begin(), costs.end());
    return cells;
}

/// What did not end as it should, named.
std::string remarks_on(const ResultRows& rows, const ResultPoint& point, const TableLine& line) {
    std::string text;
    const auto add = [&](std::int64_t count, pipeline::RowStatus status, const char* what) {
        if (count == 0) return;
        text += std::to_string(count) + " " + what + ": " + line.method;
        if (!point.measured.is_generation()) {
            text += " on " + line.operator_label + " at " + point.measured.sigma_label();
        }
        text += ": " + named_rows(rows, point, static_cast<std::int64_t>(status)) + "\n";
    };
    add(line.diverged, pipeline::RowStatus::diverged, "diverged");
    add(line.unreadable, pipeline::RowStatus::unreadable, "unreadable");
    return text;
}

}  // namespace

std::vector<TableLine> table_lines(const std::filesystem::path& results) {
    const ResultRows rows = read_result_rows(results);
    std::vector<TableLine> lines;
    const std::vector<ResultPoint> points = result_points(rows);
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (begins_group(points, i)) {
            const TableLine given = measurement_line(rows, points[i]);
            if (!std::isnan(given.psnr.value)) lines.push_back(given);
        }
        lines.push_back(line_of(rows, points[i]));
    }
    return lines;
}

std::string result_table(const std::filesystem::path& results) {
    const ResultRows rows = read_result_rows(results);
    const std::vector<ResultPoint> points = result_points(rows);
    const bool has_truth = !is_without_truth(rows);
    std::vector<TableCells> lines = {{"method", "operator", "sigma_y (on [0, 1])"}};
    const TableCells metrics = has_truth ? TableCells{"PSNR dB", "SSIM", "LPIPS " + pipeline::printable(rows.lpips_net)}
                                         : TableCells{"residual"};
    lines.front().insert(lines.front().end(), metrics.begin(), metrics.end());
    for (const char* title : {"NFE", "s/image", "images"}) lines.front().emplace_back(title);
    std::string remarks;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (begins_group(points, i)) {
            lines.emplace_back();
            const TableLine given = measurement_line(rows, points[i]);
            if (!std::isnan(given.psnr.value)) lines.push_back(cells_of(given, points[i].measured, has_truth));
        }
        const TableLine line = line_of(rows, points[i]);
        lines.push_back(cells_of(line, points[i].measured, has_truth));
        remarks += remarks_on(rows, points[i], line);
    }
    if (rows.units_missing > 0) {
        remarks += std::to_string(rows.units_missing) + " units are missing: the same run command computes them\n";
    }
    const std::string noise = rows.poisson_rate > 0 ? "photon noise of rate " +
                                                          operators::to_string(operators::Value(rows.poisson_rate)) +
                                                          " in place of sigma_y"
                                                    : std::string("sigma_y on the [-1, 1] scale");
    return aligned(lines) + "\nmean ± standard error over images; " + noise + "\n" + remarks;
}

}  // namespace jobs
