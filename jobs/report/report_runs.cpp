#include "jobs/report/report_runs.h"

#include <algorithm>
#include <set>
#include <utility>

#include "jobs/campaign.h"
#include "jobs/job_error.h"
#include "jobs/merge.h"
#include "operators/option.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"

namespace jobs {

namespace {

namespace fs = std::filesystem;

std::string attribute_text(const pipeline::Hdf5Attribute& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* number = std::get_if<double>(&value)) return operators::to_string(operators::Value(*number));
    return "";
}

std::map<std::string, std::string> root_attributes(const fs::path& results) {
    const pipeline::Hdf5File file = pipeline::Hdf5File::open(results);
    std::map<std::string, std::string> texts;
    for (const std::string& name : file.attribute_names("")) {
        if (const auto value = file.attribute("", name)) texts[name] = attribute_text(*value);
    }
    return texts;
}

ReportRun read_run(const fs::path& folder) {
    const Campaign campaign = Campaign::open(folder);
    const fs::path results = folder / "results.h5";
    const auto committed = static_cast<std::int64_t>(campaign.committed().size());
    if (!fs::exists(results)) {
        if (committed == 0) {
            throw JobError(pipeline::printable(folder.string()) +
                           ": nothing of the run is finished yet, there is nothing to report");
        }
        merge(campaign);
    }
    ResultRows rows = read_result_rows(results);
    std::vector<ResultPoint> points = result_points(rows);
    return {.folder = folder,
            .results = results,
            .name = {},
            .plan = campaign.plan(),
            .committed = committed,
            .rows = std::move(rows),
            .points = std::move(points),
            .attributes = root_attributes(results)};
}

/// The last `count` parts of a path.
std::string last_parts(const fs::path& path, std::size_t count) {
    const std::vector<fs::path> parts(path.begin(), path.end());
    fs::path last;
    for (std::size_t i = parts.size() - std::min(count, parts.size()); i < parts.size(); ++i) last /= parts[i];
    return last.string();
}

/// As short as tells them apart.
void name_runs(std::vector<ReportRun>& runs) {
    std::vector<fs::path> paths;
    std::size_t longest = 1;
    for (const ReportRun& run : runs) {
        paths.push_back(fs::weakly_canonical(run.folder));
        longest = std::max(longest, static_cast<std::size_t>(std::distance(paths.back().begin(), paths.back().end())));
    }
    for (std::size_t count = 1; count <= longest; ++count) {
        std::set<std::string> names;
        for (std::size_t i = 0; i < runs.size(); ++i) names.insert(runs[i].name = last_parts(paths[i], count));
        if (names.size() == runs.size()) return;
    }
    throw JobError("report: a folder is named twice");
}

/// What has to be equal for points of several runs to be compared.
std::string comparable_data(const ReportRun& run) {
    const operators::Shape& shape = run.plan.image_shape();
    return run.plan.dataset_digest() + " " + std::to_string(shape.height) + "x" + std::to_string(shape.width);
}

bool is_of_group(const ReportGroup& group, const ResultPoint& point, const std::string& dataset) {
    const MeasuredAs& measured = point.measured;
    if (group.is_generation || measured.is_generation()) return group.is_generation && measured.is_generation();
    return group.dataset == dataset && group.operator_label == measured.label() &&
           group.sigma_label == measured.sigma_label();
}

using SettingValues = std::map<std::string, std::set<std::string>>;  ///< By the setting's name.

/// The values that each setting of a method has in a run.
SettingValues settings_of(const ReportRun& run, const std::string& method) {
    SettingValues values;
    for (const ResultPoint& point : run.points) {
        if (point.method != method) continue;
        for (const auto& [name, value] : point.all_settings) values[name].insert(value);
    }
    return values;
}

/// What labels of a method in one of several runs must say: what some run has several values of under one measurement,
/// and what this run has one value of and another run another. A setting that only follows the operator is neither.
std::set<std::string> told_settings(const std::vector<ReportRun>& runs, std::size_t run, const std::string& method) {
    std::set<std::string> told;
    for (const ReportRun& one : runs) {
        for (const ResultPoint& point : one.points) {
            if (point.method != method) continue;
            for (const std::string& setting : point.settings) told.insert(setting.substr(0, setting.find('=')));
        }
    }
    const SettingValues own = settings_of(runs[run], method);
    for (const ReportRun& other : runs) {
        const SettingValues theirs = settings_of(other, method);
        for (const auto& [name, values] : own) {
            const auto found = theirs.find(name);
            if (values.size() == 1 && found != theirs.end() && found->second != values) told.insert(name);
        }
    }
    return told;
}

/// Labels that mean the same in all runs.
void tell_runs_apart(std::vector<ReportGroup>& groups, const std::vector<ReportRun>& runs) {
    if (runs.size() < 2) return;
    std::map<std::pair<std::size_t, std::string>, std::set<std::string>> told;  // By run and method.
    for (ReportGroup& group : groups) {
        for (ReportLine& line : group.lines) {
            const ResultPoint& point = point_of(runs, line);
            const auto [place, is_new] = told.try_emplace({line.run, point.method});
            if (is_new) place->second = told_settings(runs, line.run, point.method);
            line.label = point.method;
            for (const auto& [name, value] : point.all_settings) {
                if (place->second.contains(name)) line.label += " " + name + "=" + value;
            }
        }
    }
}

}  // namespace

std::vector<ReportRun> read_report_runs(const std::vector<fs::path>& folders) {
    std::vector<ReportRun> runs;
    for (const fs::path& folder : folders) runs.push_back(read_run(folder));
    name_runs(runs);
    return runs;
}

std::vector<ReportGroup> report_groups(const std::vector<ReportRun>& runs) {
    std::vector<ReportGroup> groups;
    std::set<std::string> datasets;
    for (std::size_t r = 0; r < runs.size(); ++r) {
        const std::string dataset = comparable_data(runs[r]);
        for (std::size_t p = 0; p < runs[r].points.size(); ++p) {
            const ResultPoint& point = runs[r].points[p];
            auto group =
                std::ranges::find_if(groups, [&](const ReportGroup& one) { return is_of_group(one, point, dataset); });
            if (group == groups.end()) {
                const bool is_generation = point.measured.is_generation();
                if (!is_generation) datasets.insert(dataset);
                groups.push_back({.operator_label = is_generation ? "generated" : point.measured.label(),
                                  .sigma_y = point.measured.sigma_y,
                                  .sigma_label = point.measured.sigma_label(),
                                  .dataset = is_generation ? "" : dataset,
                                  .is_generation = is_generation,
                                  .lines = {}});
                group = groups.end() - 1;
            }
            group->lines.push_back({r, p, point.label()});
        }
    }
    std::ranges::stable_partition(groups, [](const ReportGroup& group) { return !group.is_generation; });
    tell_runs_apart(groups, runs);
    for (ReportGroup& group : groups) {
        if (datasets.size() < 2)
            group.dataset.clear();
        else if (!group.dataset.empty())
            group.dataset = "dataset " + group.dataset.substr(0, 8) + group.dataset.substr(group.dataset.find(' '));
    }
    return groups;
}

}  // namespace jobs
