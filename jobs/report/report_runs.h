#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "jobs/report/result_points.h"
#include "jobs/sweep_plan.h"

namespace jobs {

/// One run as a report sees it.
struct ReportRun {
    std::filesystem::path folder;
    std::filesystem::path results;  ///< Its results.h5.
    std::string name;               ///< The folder's own name, with as much of its path as tells it from the others.
    SweepPlan plan;
    std::int64_t committed = 0;  ///< Units whose files are there.
    ResultRows rows;
    std::vector<ResultPoint> points;
    std::map<std::string, std::string> attributes = {};  ///< Of results.h5, as text.
};

/// A point of one of the runs.
struct ReportLine {
    std::size_t run = 0;
    std::size_t point = 0;
    std::string label;  ///< "dps zeta=0.5"; where runs differ in a setting, with that setting.
};

/// Points that saw the same measurements, of one run or of several with the same dataset.
struct ReportGroup {
    std::string operator_label;
    double sigma_y = 0;  ///< NaN where images are generated.
    std::string sigma_label;
    std::string dataset;  ///< Tells groups of several datasets apart; empty where there is one.
    bool is_generation = false;
    std::vector<ReportLine> lines;
};

/// Opens the folders of runs. Where units are finished and there is no results.h5 yet, it is made, as `merge` does.
/// @throws JobError  where a folder is no run's, is named twice, or holds nothing finished
/// @throws pipeline::FileError  where results cannot be read
std::vector<ReportRun> read_report_runs(const std::vector<std::filesystem::path>& folders);

/// Groups in the order of the first run that has them, generation last.
std::vector<ReportGroup> report_groups(const std::vector<ReportRun>& runs);

inline const ResultPoint& point_of(const std::vector<ReportRun>& runs, const ReportLine& line) {
    return runs[line.run].points[line.point];
}

}  // namespace jobs
