#include "jobs/report/report_json.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "jobs/report/rerun_command.h"
#include "jobs/report/result_posterior.h"
#include "jobs/report/run_timeline.h"
#include "jobs/report/statistics.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

using Json = nlohmann::json;

constexpr std::size_t most_failures_named = 20;

Json statistics_json(const Statistics& statistics) {
    return {{"images", statistics.images},
            {"mean", json_number(statistics.mean)},
            {"standard_error", json_number(statistics.standard_error)},
            {"interval", {json_number(statistics.interval.low), json_number(statistics.interval.high)}}};
}

/// The numbers of a metric for every line of a group.
using ImageValues = std::map<std::int64_t, double>;

std::size_t best_line(const std::vector<ImageValues>& lines, const Metric& metric) {
    std::size_t best = lines.size();
    double best_mean = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i].empty()) continue;
        double sum = 0;
        for (const auto& [image, value] : lines[i]) sum += value;
        const double mean = sum / static_cast<double>(lines[i].size());
        if (best < lines.size() && (metric.is_better_higher ? mean <= best_mean : mean >= best_mean)) continue;
        best = i;
        best_mean = mean;
    }
    return best;
}

/// The metric of every line, with its difference from the best; null for a line that has no number.
std::vector<Json> metric_of_lines(const std::vector<ReportRun>& runs, const ReportGroup& group, const Metric& metric) {
    std::vector<ImageValues> values;
    for (const ReportLine& line : group.lines) {
        values.push_back(values_by_image(runs[line.run].rows, point_of(runs, line), metric));
    }
    const std::size_t best = metric.has_best ? best_line(values, metric) : values.size();
    std::vector<Json> lines;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i].empty()) {
            lines.emplace_back(nullptr);
            continue;
        }
        Json json = statistics_json(statistics_of(values_of(values[i])));
        json["is_best"] = i == best;
        if (best < values.size() && i != best) {
            const PairedDifference difference = paired_difference(values[i], values[best], metric);
            Json against = statistics_json(difference.statistics);
            against["share_better"] = json_number(difference.share_better);
            json["difference"] = std::move(against);
        }
        lines.push_back(std::move(json));
    }
    return lines;
}

/// Rows of a point by what became of them, the first few by name.
void add_counts(Json& json, const ReportRun& run, const ResultPoint& point) {
    std::int64_t done = 0, diverged = 0, unreadable = 0;
    double seconds = 0;
    std::int64_t timed = 0;
    std::set<std::int64_t> images;
    Json failures = Json::array();
    for (const std::int64_t row : point.rows) {
        const auto place = static_cast<std::size_t>(row);
        const auto status = static_cast<pipeline::RowStatus>(run.rows.status[place]);
        done += status == pipeline::RowStatus::done ? 1 : 0;
        diverged += status == pipeline::RowStatus::diverged ? 1 : 0;
        unreadable += status == pipeline::RowStatus::unreadable ? 1 : 0;
        if (std::isfinite(run.rows.seconds[place])) {
            seconds += run.rows.seconds[place];
            ++timed;
        }
        if (status == pipeline::RowStatus::done) {
            images.insert(point.measured.is_generation() ? run.rows.sample[place] : run.rows.image_index[place]);
        } else if (failures.size() < most_failures_named) {
            failures.push_back({{"image", run.rows.image_name[place]},
                                {"sample", run.rows.sample[place]},
                                {"status", status == pipeline::RowStatus::diverged ? "diverged" : "unreadable"}});
        }
    }
    json["rows"] = done;
    json["images"] = images.size();
    json["diverged"] = diverged;
    json["unreadable"] = unreadable;
    json["failures"] = std::move(failures);
    json["nfe"] = run.rows.nfe[static_cast<std::size_t>(point.rows.front())];
    json["seconds"] = timed > 0 ? json_number(seconds / static_cast<double>(timed)) : Json();
    json["seconds_total"] = timed > 0 ? json_number(seconds) : Json();
}

/// PSNR of what the methods of a group were given, where it is an image.
Json measurement_json(const std::vector<ReportRun>& runs, const ReportGroup& group) {
    const Metric given = {"psnr", "", "", &ResultRows::psnr_measurement, true, false, 2};
    ImageValues values;
    for (const ReportLine& line : group.lines) {
        values.merge(values_by_image(runs[line.run].rows, point_of(runs, line), given));
    }
    return values.empty() ? Json() : statistics_json(statistics_of(values_of(values)));
}

/// Means over images of what several samples of one measurement come to; null where there are none.
Json posterior_json(const ResultPosterior& posterior, std::size_t point) {
    const std::vector<std::int64_t> entries = posterior.entries(point);
    if (entries.empty()) return nullptr;
    Json json = Json::object();
    for (const PosteriorColumn& column : posterior_columns) {
        std::vector<double> values;
        for (const std::int64_t entry : entries) {
            const double value = posterior.value(column, entry);
            if (std::isfinite(value)) values.push_back(value);
        }
        if (!values.empty()) json[column.name] = statistics_json(statistics_of(values));
    }
    Json shares = Json::array();
    for (const double share : posterior.rank_histogram(point)) shares.push_back(json_number(share));
    if (!shares.empty()) json["rank_histogram"] = std::move(shares);
    return json;
}

Json timeline_json(const RunTimeline& timeline) {
    double zero = timeline.starts.empty() ? 0 : timeline.starts.front();
    for (const WorkSpan& span : timeline.spans) zero = zero == 0 ? span.begin : std::min(zero, span.begin);
    Json workers = Json::array(), spans = Json::array(), starts = Json::array(), quarantined = Json::array();
    for (const TimelineWorker& worker : timeline.workers) {
        workers.push_back(
            {{"journal", worker.journal}, {"rank", worker.rank}, {"host", worker.host}, {"device", worker.device}});
    }
    for (const WorkSpan& span : timeline.spans) {
        Json json = {{"worker", span.worker},
                     {"begin", json_number(span.begin - zero)},
                     {"end", json_number(span.end - zero)},
                     {"kind", span.kind},
                     {"unit", span.unit}};
        if (span.units > 1) json["units"] = span.units;
        if (span.attempt > 1) json["attempt"] = span.attempt;
        if (!span.reason.empty()) json["reason"] = span.reason;
        spans.push_back(std::move(json));
    }
    for (const double start : timeline.starts) starts.push_back(json_number(start - zero));
    for (const QuarantinedUnit& unit : timeline.quarantined) {
        quarantined.push_back({{"unit", unit.unit}, {"reason", unit.reason}});
    }
    return {{"begin", zero},
            {"workers", std::move(workers)},
            {"spans", std::move(spans)},
            {"starts", std::move(starts)},
            {"quarantined", std::move(quarantined)},
            {"attempts", timeline.attempts},
            {"lost_attempts", timeline.lost_attempts},
            {"lost_seconds", json_number(timeline.lost_seconds)},
            {"is_coarse", timeline.is_coarse}};
}

/// Which units are whose: the first unit of each configuration, its method and where it works.
Json configurations_json_of(const SweepPlan& plan) {
    Json list = Json::array();
    for (const PlannedConfiguration& planned : plan.configurations()) {
        list.push_back({{"first_unit", planned.first_unit},
                        {"units", planned.units},
                        {"method", planned.configuration.method},
                        {"operator", planned.configuration.operator_name},
                        {"sigma_y", json_number(planned.configuration.sigma_y)}});
    }
    return list;
}

Json run_json(const ReportRun& run) {
    const SweepPlan& plan = run.plan;
    const operators::Shape& shape = plan.image_shape();
    Json attributes = Json::object();
    for (const auto& [name, value] : run.attributes) {
        if (name != "job") attributes[name] = value;
    }
    return {{"name", run.name},
            {"folder", std::filesystem::weakly_canonical(run.folder).string()},
            {"attributes", std::move(attributes)},
            {"job", plan.job_text()},
            {"command", rerun_command(run)},
            {"dataset", plan.dataset()},
            {"model", plan.model().string()},
            {"device", plan.device()},
            {"seed", std::to_string(plan.seed())},
            {"image_shape", {shape.channels, shape.height, shape.width}},
            {"images", plan.images().size()},
            {"units", plan.unit_count()},
            {"units_committed", run.committed},
            {"units_missing", run.rows.units_missing},
            {"rows", run.rows.count},
            {"lpips_net", run.rows.lpips_net},
            {"poisson_rate", json_number(run.rows.poisson_rate)},
            {"configurations", configurations_json_of(plan)},
            {"timeline", timeline_json(read_timeline(run.folder))}};
}

}  // namespace

Json json_number(double value) {
    if (!std::isfinite(value)) return nullptr;
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::general, 7).ptr;
    double rounded = value;
    std::from_chars(text, end, rounded);
    return rounded;
}

Json report_json(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups) {
    Json json = {{"schema", "diffinv-report"}, {"version", report_schema}, {"program_version", DIFFINV_VERSION}};
    json["runs"] = Json::array();
    for (const ReportRun& run : runs) json["runs"].push_back(run_json(run));
    json["metrics"] = Json::array();
    for (const Metric& metric : report_metrics) {
        json["metrics"].push_back({{"name", metric.name},
                                   {"title", metric.title},
                                   {"unit", metric.unit},
                                   {"is_better_higher", metric.is_better_higher},
                                   {"has_best", metric.has_best},
                                   {"digits", metric.digits}});
    }
    std::vector<ResultPosterior> posteriors;
    json["posterior_columns"] = Json::array();
    for (const PosteriorColumn& column : posterior_columns) {
        json["posterior_columns"].push_back(
            {{"name", column.name}, {"title", column.title}, {"digits", column.digits}});
    }
    for (const ReportRun& run : runs) posteriors.emplace_back(run.results, run.rows, run.points);
    Json& group_list = json["groups"] = Json::array();
    Json& points = json["points"] = Json::array();
    for (std::size_t g = 0; g < groups.size(); ++g) {
        const ReportGroup& group = groups[g];
        group_list.push_back({{"operator", group.operator_label},
                              {"sigma_y", json_number(group.sigma_y)},
                              {"dataset", group.dataset},
                              {"is_generation", group.is_generation},
                              {"measurement", measurement_json(runs, group)}});
        std::vector<Json> of_group;
        for (const ReportLine& line : group.lines) {
            const ResultPoint& point = point_of(runs, line);
            Json one = {{"group", g}, {"run", line.run}, {"method", point.method}, {"label", line.label}};
            Json settings = Json::object();
            for (const auto& [name, value] : point.all_settings) settings[name] = value;
            one["settings"] = std::move(settings);
            add_counts(one, runs[line.run], point);
            one["posterior"] = posterior_json(posteriors[line.run], line.point);
            one["metrics"] = Json::object();
            of_group.push_back(std::move(one));
        }
        for (const Metric& metric : report_metrics) {
            std::vector<Json> numbers = metric_of_lines(runs, group, metric);
            for (std::size_t i = 0; i < numbers.size(); ++i) {
                if (!numbers[i].is_null()) of_group[i]["metrics"][metric.name] = std::move(numbers[i]);
            }
        }
        for (Json& one : of_group) points.push_back(std::move(one));
    }
    return json;
}

std::string json_for_page(const Json& json) {
    const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string escaped;
    escaped.reserve(text.size() + text.size() / 16);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        // All of these stand only inside strings, where JSON reads the escape as the character.
        if (c == '<')
            escaped += "\\u003c";
        else if (c == '>')
            escaped += "\\u003e";
        else if (c == '&')
            escaped += "\\u0026";
        else if (text.compare(i, 3, "\xE2\x80\xA8") == 0)
            escaped += "\\u2028", i += 2;
        else if (text.compare(i, 3, "\xE2\x80\xA9") == 0)
            escaped += "\\u2029", i += 2;
        else
            escaped += c;
    }
    return escaped;
}

}  // namespace jobs
