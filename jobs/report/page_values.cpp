#include "jobs/report/page_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "jobs/report/page_images.h"
#include "jobs/report/report_json.h"
#include "jobs/report/statistics.h"

namespace jobs {

namespace {

using Json = nlohmann::json;

constexpr std::size_t most_points_with_values = 2000;

/// Quantiles at 0, 25, 50, 75 and 100 %, linear between two values.
Json quartiles(std::vector<double> values) {
    std::ranges::sort(values);
    Json list = Json::array();
    for (const double probability : {0.0, 0.25, 0.5, 0.75, 1.0}) {
        const double place = probability * static_cast<double>(values.size() - 1);
        const auto below = static_cast<std::size_t>(place);
        const std::size_t above = std::min(below + 1, values.size() - 1);
        list.push_back(json_number(values[below] + (place - std::floor(place)) * (values[above] - values[below])));
    }
    return list;
}

}  // namespace

Json page_values(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups, std::size_t most_values) {
    std::size_t points = 0;
    for (const ReportGroup& group : groups) points += group.lines.size();
    const std::size_t shown = std::min(points, most_points_with_values);
    const std::size_t most_of_one =
        std::max<std::size_t>(1, most_values / std::max<std::size_t>(1, shown * report_metrics.size()));
    bool is_sampled = shown < points;
    Json list = Json::array();
    for (const ReportGroup& group : groups) {
        for (const ReportLine& line : group.lines) {
            Json of_point = Json::object();
            for (const Metric& metric : report_metrics) {
                if (list.size() >= shown) break;
                const auto by_image = values_by_image(runs[line.run].rows, point_of(runs, line), metric);
                if (by_image.empty()) continue;
                const std::vector<std::pair<std::int64_t, double>> all(by_image.begin(), by_image.end());
                const std::vector<std::size_t> order = spread_order(all.size());
                Json images = Json::array(), values = Json::array();
                for (std::size_t i = 0; i < std::min(all.size(), most_of_one); ++i) {
                    images.push_back(all[order[i]].first);
                    values.push_back(json_number(all[order[i]].second));
                }
                is_sampled = is_sampled || all.size() > most_of_one;
                of_point[metric.name] = {{"quartiles", quartiles(values_of(by_image))},
                                         {"images", std::move(images)},
                                         {"values", std::move(values)}};
            }
            list.push_back(std::move(of_point));
        }
    }
    return {{"points", std::move(list)}, {"is_sampled", is_sampled}, {"most_of_one", most_of_one}};
}

}  // namespace jobs
