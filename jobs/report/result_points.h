#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "jobs/report/result_rows.h"

namespace jobs {

/// One operator configuration with its noise level: all its points saw the same measurements.
struct MeasuredAs {
    std::string operator_name;          ///< "none" where images are generated
    std::vector<std::string> settings;  ///< The operator's axes: "size=24"
    double sigma_y = 0;                 ///< NaN where images are generated
    std::string group;                  ///< "box_24": its name below `measurements` in results.h5

    bool is_generation() const { return operator_name == "none"; }
    /// "box size=24"
    std::string label() const;
    /// "0.05 (0.025)": σ_y on [−1, 1] and, halved, on [0, 1]; empty where images are generated.
    std::string sigma_label() const;
};

/// One method with one set of settings on one operator configuration: a line of the table, a column of the sheet.
struct ResultPoint {
    MeasuredAs measured;
    std::string method;
    std::vector<std::string> settings;  ///< Of its axes ("t-start=200", "steps=50") those that tell its points apart
    std::vector<std::int64_t> rows;     ///< Its rows of results.h5, ascending
    std::vector<std::pair<std::string, std::string>> all_settings = {};  ///< Every axis of the method and its value.

    /// "sdedit t-start=200"
    std::string label() const;
};

/// The points of a sweep: those of one operator configuration and noise level stand together, otherwise in the order of
/// the plan; generation comes last.
std::vector<ResultPoint> result_points(const ResultRows& rows);

}  // namespace jobs
