#include "jobs/report/latex_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "jobs/report/statistics.h"

namespace jobs {

namespace {

constexpr std::size_t groups_a_table = 3;

/// A method's numbers in one group, by metric.
using LatexNumbers = std::vector<std::optional<Statistics>>;

struct LatexRow {
    std::string label;
    std::vector<LatexNumbers> groups;  ///< Empty where the group does not have the method.
};

std::string latex_label(const std::vector<ReportRun>& runs, const ReportLine& line) {
    std::string label = latex_escaped(line.label);
    if (runs.size() > 1) label += " (" + latex_escaped(runs[line.run].name) + ")";
    return label;
}

/// The places of the best and the second best mean among the rows.
struct Podium {
    std::size_t first, second;
};
Podium podium_of(const std::vector<LatexRow>& rows, std::size_t group, std::size_t m, const Metric& metric) {
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t row = 0; row < rows.size(); ++row) {
        const LatexNumbers& numbers = rows[row].groups[group];
        if (numbers.empty() || !numbers[m]) continue;
        order.emplace_back(metric.is_better_higher ? -numbers[m]->mean : numbers[m]->mean, row);
    }
    std::ranges::stable_sort(order, {}, &std::pair<double, std::size_t>::first);
    const std::size_t none = rows.size();
    return {order.empty() ? none : order[0].second, order.size() < 2 ? none : order[1].second};
}

std::string latex_cell(const std::optional<Statistics>& numbers, const Metric& metric, bool is_best, bool is_second) {
    if (!numbers) return "--";
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", metric.digits, numbers->mean);
    std::string cell = text;
    if (is_best) cell = "\\textbf{" + cell + "}";
    if (is_second) cell = "\\underline{" + cell + "}";
    if (std::isnan(numbers->standard_error)) return cell;
    std::snprintf(text, sizeof text, "%.*f", metric.digits, numbers->standard_error);
    return cell + " {\\scriptsize$\\pm$" + text + "}";
}

std::string group_heading(const ReportGroup& group) {
    std::string heading = latex_escaped(group.operator_label);
    if (group.sigma_y > 0) {
        char sigma[48];
        std::snprintf(sigma, sizeof sigma, ", $\\sigma_y = %.4g$", group.sigma_y);
        heading += sigma;
    }
    if (!group.dataset.empty()) heading += ", " + latex_escaped(group.dataset);
    return heading;
}

class LatexTable {
  public:
    LatexTable(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups) : runs_(runs) {
        for (const ReportGroup& group : groups) {
            if (!group.is_generation) groups_.push_back(&group);
        }
        for (const Metric& metric : report_metrics) {
            const std::string name = metric.name;
            if ((name == "psnr" || name == "ssim" || name == "lpips") && is_anywhere(metric)) {
                metrics_.push_back(&metric);
            }
        }
    }

    std::string text() const {
        std::string text = "% needs \\usepackage{booktabs}; mean \\pm standard error over images\n";
        if (metrics_.empty()) return text + "% no method has a number\n";
        for (std::size_t first = 0; first < groups_.size(); first += groups_a_table) {
            text += tabular(first, std::min(first + groups_a_table, groups_.size()));
        }
        return text;
    }

  private:
    bool is_anywhere(const Metric& metric) const {
        return std::ranges::any_of(groups_, [&](const ReportGroup* group) {
            return std::ranges::any_of(group->lines, [&](const ReportLine& line) {
                return !values_by_image(runs_[line.run].rows, point_of(runs_, line), metric).empty();
            });
        });
    }

    std::vector<LatexRow> rows_of(std::size_t first, std::size_t last) const {
        std::vector<LatexRow> rows;
        for (std::size_t g = first; g < last; ++g) {
            for (const ReportLine& line : groups_[g]->lines) {
                const std::string label = latex_label(runs_, line);
                auto row = std::ranges::find(rows, label, &LatexRow::label);
                if (row == rows.end()) {
                    rows.push_back({label, std::vector<LatexNumbers>(last - first)});
                    row = rows.end() - 1;
                }
                LatexNumbers numbers;
                for (const Metric* metric : metrics_) {
                    const auto values = values_by_image(runs_[line.run].rows, point_of(runs_, line), *metric);
                    numbers.push_back(values.empty() ? std::nullopt : std::optional(statistics_of(values_of(values))));
                }
                row->groups[g - first] = std::move(numbers);
            }
        }
        return rows;
    }

    std::string heading(std::size_t first, std::size_t last) const {
        const std::size_t width = metrics_.size();
        std::string columns = "l", names, rules, titles;
        for (std::size_t g = first; g < last; ++g) {
            columns += std::string(width, 'r');
            names += " & \\multicolumn{" + std::to_string(width) + "}{c}{" + group_heading(*groups_[g]) + "}";
            const std::size_t column = 2 + (g - first) * width;
            rules += "\\cmidrule(lr){" + std::to_string(column) + "-" + std::to_string(column + width - 1) + "}";
            for (const Metric* metric : metrics_) {
                titles +=
                    std::string(" & ") + metric->title + (metric->is_better_higher ? " $\\uparrow$" : " $\\downarrow$");
            }
        }
        return "\\begin{tabular}{" + columns + "}\n\\toprule\n" + names + " \\\\\n" + rules + "\nMethod" + titles +
               " \\\\\n\\midrule\n";
    }

    std::string tabular(std::size_t first, std::size_t last) const {
        const std::vector<LatexRow> rows = rows_of(first, last);
        std::string text = heading(first, last);
        for (std::size_t r = 0; r < rows.size(); ++r) {
            text += rows[r].label;
            for (std::size_t g = 0; g < last - first; ++g) {
                for (std::size_t m = 0; m < metrics_.size(); ++m) {
                    const Podium podium = podium_of(rows, g, m, *metrics_[m]);
                    const LatexNumbers& numbers = rows[r].groups[g];
                    text += " & " + latex_cell(numbers.empty() ? std::nullopt : numbers[m], *metrics_[m],
                                               r == podium.first, r == podium.second);
                }
            }
            text += " \\\\\n";
        }
        return text + "\\bottomrule\n\\end{tabular}\n\n";
    }

    const std::vector<ReportRun>& runs_;
    std::vector<const ReportGroup*> groups_;
    std::vector<const Metric*> metrics_;
};

}  // namespace

std::string latex_escaped(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '\\':
                escaped += "\\textbackslash{}";
                break;
            case '~':
                escaped += "\\textasciitilde{}";
                break;
            case '^':
                escaped += "\\textasciicircum{}";
                break;
            case '&':
            case '%':
            case '$':
            case '#':
            case '_':
            case '{':
            case '}':
                escaped += '\\';
                escaped += c;
                break;
            default:
                escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
        }
    }
    return escaped;
}

std::string latex_table(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups) {
    return LatexTable(runs, groups).text();
}

}  // namespace jobs
