#include "jobs/report/result_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "jobs/report/result_rows.h"
#include "operators/option.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Mean mean_of(const std::vector<double>& values) {
    std::vector<double> defined;
    std::ranges::copy_if(values, std::back_inserter(defined), [](double value) { return !std::isnan(value); });
    if (defined.empty()) return {not_a_number, not_a_number};
    double sum = 0;
    for (const double value : defined) sum += value;
    const auto n = static_cast<double>(defined.size());
    const double mean = sum / n;
    double squares = 0;
    for (const double value : defined) squares += (value - mean) * (value - mean);
    return {mean, n > 1 ? std::sqrt(squares / (n - 1) / n) : not_a_number};
}

bool same_level(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

/// A line and the values it is the mean of.
struct Gathering {
    TableLine line;
    std::vector<double> psnr, ssim, lpips, seconds;
};

Gathering& gathering_of(std::vector<Gathering>& all, const std::string& method, const ResultRow& row) {
    const auto found = std::ranges::find_if(all, [&](const Gathering& entry) {
        return entry.line.method == method && entry.line.operator_label == row.operator_label &&
               same_level(entry.line.sigma_y, row.sigma_y);
    });
    if (found != all.end()) return *found;
    all.push_back({});
    all.back().line.method = method;
    all.back().line.operator_label = row.operator_label;
    all.back().line.sigma_y = row.sigma_y;
    all.back().line.nfe = row.nfe;
    return all.back();
}

void add_row(Gathering& gathering, const ResultRow& row) {
    gathering.seconds.push_back(row.seconds);
    if (row.status == static_cast<std::int64_t>(pipeline::RowStatus::diverged)) ++gathering.line.diverged;
    if (row.status == static_cast<std::int64_t>(pipeline::RowStatus::unreadable)) ++gathering.line.unreadable;
    if (row.status != static_cast<std::int64_t>(pipeline::RowStatus::done)) return;
    ++gathering.line.images;
    gathering.psnr.push_back(row.psnr);
    gathering.ssim.push_back(row.ssim);
    gathering.lpips.push_back(row.lpips);
}

std::vector<TableLine> lines_of(const ResultRows& results) {
    std::vector<Gathering> all;
    for (const ResultRow& row : results.rows) add_row(gathering_of(all, row.method, row), row);

    // What was given to the methods, once per image: the line to beat.
    constexpr auto measurement_name = "(measurement)";
    std::vector<Gathering> given;
    for (const ResultRow& row : results.rows) {
        if (std::isnan(row.psnr_measurement) || row.sample > 0) continue;
        Gathering& gathering = gathering_of(given, measurement_name, row);
        if (!gathering.line.nfe && gathering.seconds.empty()) gathering.line.nfe = 0;
        // Rows of several methods share their measurement: the first method's are taken.
        const bool is_first = row.method == std::ranges::find_if(results.rows, [&](const ResultRow& other) {
                                                return other.operator_label == row.operator_label &&
                                                       same_level(other.sigma_y, row.sigma_y);
                                            })->method;
        if (!is_first) continue;
        ++gathering.line.images;
        gathering.line.nfe = 0;
        gathering.psnr.push_back(row.psnr_measurement);
    }

    std::vector<TableLine> lines;
    std::vector<bool> is_taken(all.size(), false);
    const auto finished = [](Gathering& gathering) {
        gathering.line.psnr = mean_of(gathering.psnr);
        gathering.line.ssim = mean_of(gathering.ssim);
        gathering.line.lpips = mean_of(gathering.lpips);
        gathering.line.seconds = mean_of(gathering.seconds).value;
        return gathering.line;
    };
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (is_taken[i]) continue;
        const auto is_of_group = [&](const Gathering& other) {
            return other.line.operator_label == all[i].line.operator_label &&
                   same_level(other.line.sigma_y, all[i].line.sigma_y);
        };
        const auto measured = std::ranges::find_if(given, is_of_group);
        if (measured != given.end()) lines.push_back(finished(*measured));
        for (std::size_t j = i; j < all.size(); ++j) {
            if (is_taken[j] || !is_of_group(all[j])) continue;
            is_taken[j] = true;
            lines.push_back(finished(all[j]));
        }
    }
    return lines;
}

std::string formatted(const char* format, double value) {
    char text[48];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

/// "24.13 ± 0.42"; the error is left out where there is one image.
std::string mean_words(const Mean& mean, int digits) {
    if (std::isnan(mean.value)) return "-";
    const std::string format = "%." + std::to_string(digits) + "f";
    const std::string value = formatted(format.c_str(), mean.value);
    return std::isnan(mean.standard_error) ? value : value + " ± " + formatted(format.c_str(), mean.standard_error);
}

/// Characters, not bytes: "±" takes one place.
std::size_t shown_width(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string aligned(const std::vector<std::vector<std::string>>& cells, std::size_t left_columns) {
    std::vector<std::size_t> widths(cells.front().size(), 0);
    for (const auto& line : cells) {
        for (std::size_t column = 0; column < line.size(); ++column) {
            widths[column] = std::max(widths[column], shown_width(line[column]));
        }
    }
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        std::string line;
        for (std::size_t column = 0; column < cells[i].size(); ++column) {
            const std::string blanks(widths[column] - shown_width(cells[i][column]), ' ');
            line += (column > 0 ? "  " : "") +
                    (column < left_columns ? cells[i][column] + blanks : blanks + cells[i][column]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
        if (i == 0) {
            std::size_t total = 0;
            for (const std::size_t width : widths) total += width + 2;
            text += std::string(total - 2, '-') + "\n";
        }
    }
    return text;
}

}  // namespace

std::vector<TableLine> table_lines(const std::filesystem::path& results) {
    return lines_of(read_result_rows(results));
}

std::string result_table(const std::filesystem::path& results) {
    const ResultRows rows = read_result_rows(results);
    std::vector<std::vector<std::string>> cells = {{"operator", "sigma_y", "method", "images", "PSNR (dB)", "SSIM",
                                                    "LPIPS (" + rows.lpips_net + ")", "NFE", "s/image"}};
    std::string remarks;
    for (const TableLine& line : lines_of(rows)) {
        const bool is_restoration = !std::isnan(line.sigma_y);
        const auto number = [](double value) { return operators::to_string(operators::Value(value)); };
        cells.push_back({line.operator_label,
                         is_restoration ? number(line.sigma_y) + " (" + number(line.sigma_y / 2) + " on [0, 1])" : "-",
                         line.method, std::to_string(line.images), mean_words(line.psnr, 2), mean_words(line.ssim, 3),
                         mean_words(line.lpips, 3), line.nfe > 0 ? std::to_string(line.nfe) : "-",
                         std::isnan(line.seconds) ? "-" : formatted("%.3g", line.seconds)});
        for (const auto& [count, what] :
             {std::pair(line.diverged, "diverged"), {line.unreadable, "could not be read"}}) {
            if (count == 0) continue;
            remarks += line.method + ", " + line.operator_label + ": " + std::to_string(count) + " images " + what +
                       " and do not count\n";
        }
    }
    if (rows.units_missing > 0)
        remarks += std::to_string(rows.units_missing) + " units are missing: the same run command computes them\n";
    return aligned(cells, 3) + remarks + "mean ± standard error over images\n";
}

}  // namespace jobs
