#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "jobs/sweep_plan.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

/// One column of results.h5 and results.csv: a value per row, NaN or "" where it does not apply.
struct ResultColumn {
    std::string name;
    std::string long_name;
    std::string units;  ///< CF's: "1" for pure numbers; empty for text.
    std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>> values;
};

/// Name of a setting's column: SECTION_OPTION with underscores ("sdedit_t_start").
std::string setting_column(const std::string& section, const std::string& option);

/// The columns of all rows of a run, in the order of units.
class ResultColumns {
  public:
    /// Columns for every setting that some configuration of the plan uses: SECTION_OPTION.
    explicit ResultColumns(const SweepPlan& plan);

    /// Adds one unit's rows.
    /// @param seconds  of the whole unit, NaN where the journal does not know it
    void add(const pipeline::UnitFile& unit, const PlannedConfiguration& planned, double seconds);

    std::int64_t rows() const { return rows_; }
    const std::vector<ResultColumn>& columns() const { return columns_; }

    /// One column more, before the first row: NaN, or 0 for integers, until it is set.
    /// @return its place, for `set`
    std::size_t add_column(ResultColumn column);
    void set(std::size_t column, std::size_t row, double value);
    void set(std::size_t column, std::size_t row, std::int64_t value);

    /// Writes every column along a dimension, with the CF attributes.
    /// @param folder  before every name: "" or "posterior/"
    void write(pipeline::Hdf5File& file, const std::string& folder = "", const std::string& dimension = "row") const;
    /// A line per row, RFC 4180: quoted where a comma, a quote or a line break stands in a value.
    std::string csv() const;

  private:
    template <typename T>
    void put(std::size_t column, const T& value);
    std::vector<ResultColumn> columns_;
    std::map<std::string, std::size_t> settings_;  ///< Column of each SECTION_OPTION.
    std::int64_t rows_ = 0;
    bool has_estimates_ = false;  ///< Some noise levels are estimated: a column more.
    std::vector<double> estimates_;
};

}  // namespace jobs
