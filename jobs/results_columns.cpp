#include "jobs/results_columns.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "jobs/csv_field.h"
#include "operators/option.h"

namespace jobs {

namespace {

using Reals = std::vector<double>;
using Integers = std::vector<std::int64_t>;
using Texts = std::vector<std::string>;

// The fixed columns, by place. The order is that of `fixed_columns`.
enum Place : std::size_t {
    image_name,
    image_index,
    method,
    operator_name,
    sigma_y,
    sample,
    psnr,
    ssim,
    lpips,
    psnr_measurement,
    psnr_unobserved,
    class_label,
    residual,
    nfe,
    seconds,
    status,
    image_error,
    respacing,
    variance,
    unit,
    place_count
};

std::vector<ResultColumn> fixed_columns() {
    return {
        {"image_name", "name of the image in its dataset", "", Texts{}},
        {"image_index", "number of the image in its dataset, -1 for generated images", "1", Integers{}},
        {"method", "sampling method", "", Texts{}},
        {"operator", "measurement operator A", "", Texts{}},
        {"sigma_y", "standard deviation of the measurement noise on the [-1, 1] scale", "1", Reals{}},
        {"sample", "number of the posterior sample, or of the generated image", "1", Integers{}},
        {"psnr", "peak signal-to-noise ratio of the restored image", "dB", Reals{}},
        {"ssim", "structural similarity of the restored image", "1", Reals{}},
        {"lpips", "learned perceptual distance of the restored image, see lpips_net", "1", Reals{}},
        {"psnr_measurement", "peak signal-to-noise ratio of the measurement itself", "dB", Reals{}},
        {"psnr_unobserved", "peak signal-to-noise ratio of the restored image where A removed it", "dB", Reals{}},
        {"class", "class that the network was conditioned on, -1 without classes", "1", Integers{}},
        {"residual", "norm of y - A x over sigma_y sqrt(m), about 1 where x explains y", "1", Reals{}},
        {"nfe", "network calls for the image", "1", Integers{}},
        {"seconds", "wall time of the unit divided by its images", "s", Reals{}},
        {"status", "what became of the image", "1", Integers{}},
        {"image_error", "why the image could not be read, empty where it was", "", Texts{}},
        {"respacing", "timesteps kept of the checkpoint's chain, empty for all", "", Texts{}},
        {"variance", "variance of the ancestral step", "", Texts{}},
        {"unit", "number of the unit in the plan", "1", Integers{}},
    };
}

bool is_number(const operators::Value& value) {
    return std::holds_alternative<double>(value) || std::holds_alternative<std::int64_t>(value);
}

double number_of(const operators::Value& value) {
    const auto* integer = std::get_if<std::int64_t>(&value);
    return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
}

std::string csv_value(const ResultColumn& column, std::size_t row) {
    if (const auto* reals = std::get_if<Reals>(&column.values)) return csv_field((*reals)[row]);
    if (const auto* integers = std::get_if<Integers>(&column.values)) return std::to_string((*integers)[row]);
    return csv_field(std::get<Texts>(column.values)[row]);
}

at::Tensor as_column(const Reals& values) {
    return at::from_blob(const_cast<double*>(values.data()), {static_cast<std::int64_t>(values.size())}, at::kDouble);
}
at::Tensor as_column(const Integers& values) {
    return at::from_blob(const_cast<std::int64_t*>(values.data()), {static_cast<std::int64_t>(values.size())},
                         at::kLong);
}

}  // namespace

std::string setting_column(const std::string& section, const std::string& option) {
    std::string name = section + "_" + option;
    std::ranges::replace(name, '-', '_');
    return name;
}

ResultColumns::ResultColumns(const SweepPlan& plan) : columns_(fixed_columns()) {
    const auto add_settings = [this](const std::string& section, const operators::Settings& settings) {
        for (const auto& [option, value] : settings) {
            const std::string name = setting_column(section, option);
            const auto [place, is_new] = settings_.emplace(name, columns_.size());
            if (is_new) columns_.push_back({name, "setting " + section + "." + option, "1", Reals{}});
            // Text as soon as one configuration holds a word.
            if (is_number(value)) continue;
            columns_[place->second].units.clear();
            columns_[place->second].values = Texts{};
        }
    };
    for (const PlannedConfiguration& planned : plan.configurations()) {
        if (planned.configuration.estimates_sigma) has_estimates_ = true;
        add_settings(planned.configuration.method, planned.configuration.method_settings);
        add_settings(planned.configuration.operator_name, planned.configuration.operator_settings);
    }
}

template <typename T>
void ResultColumns::put(std::size_t column, const T& value) {
    std::get<std::vector<T>>(columns_[column].values).push_back(value);
}

void ResultColumns::add(const pipeline::UnitFile& file, const PlannedConfiguration& planned, double unit_seconds) {
    const pipeline::Configuration& configuration = planned.configuration;
    const pipeline::UnitRows& rows = file.rows;
    const std::size_t count = rows.image_index.size();
    for (std::size_t row = 0; row < count; ++row) {
        put(image_name, rows.image_name[row]);
        put(image_index, rows.image_index[row]);
        put(method, configuration.method);
        put(operator_name, configuration.operator_name);
        put(sigma_y, configuration.sigma_y);
        put(sample, rows.sample[row]);
        put(psnr, rows.psnr[row]);
        put(ssim, rows.ssim[row]);
        put(lpips, rows.lpips[row]);
        put(psnr_measurement, rows.psnr_measurement[row]);
        put(psnr_unobserved, rows.psnr_unobserved[row]);
        put(class_label, rows.class_label[row]);
        put(residual, rows.residual[row]);
        put(nfe, rows.nfe);
        put(seconds, unit_seconds / static_cast<double>(count));
        put(status, static_cast<std::int64_t>(rows.status[row]));
        put(image_error, rows.image_error[row]);
        put(respacing, configuration.respacing);
        put(variance, std::string(to_string(configuration.variance)));
        put(unit, file.unit);

        // Settings: first as not applicable, then those of this row's method and operator.
        for (std::size_t column = place_count; column < columns_.size(); ++column) {
            if (auto* reals = std::get_if<Reals>(&columns_[column].values)) {
                reals->push_back(std::numeric_limits<double>::quiet_NaN());
            } else if (auto* integers = std::get_if<Integers>(&columns_[column].values)) {
                integers->push_back(0);
            } else {
                std::get<Texts>(columns_[column].values).emplace_back();
            }
        }
        const auto fill = [this](const std::string& section, const operators::Settings& settings) {
            for (const auto& [option, value] : settings) {
                ResultColumn& column = columns_[settings_.at(setting_column(section, option))];
                if (auto* reals = std::get_if<Reals>(&column.values)) {
                    reals->back() = number_of(value);
                } else {
                    std::get<Texts>(column.values).back() = operators::to_string(value);
                }
            }
        };
        if (has_estimates_) {
            estimates_.push_back(rows.sigma_each.empty() ? std::numeric_limits<double>::quiet_NaN()
                                                         : rows.sigma_each[row]);
        }
        fill(configuration.method, configuration.method_settings);
        fill(configuration.operator_name, configuration.operator_settings);
    }
    rows_ += static_cast<std::int64_t>(count);
}

std::size_t ResultColumns::add_column(ResultColumn column) {
    columns_.push_back(std::move(column));
    return columns_.size() - 1;
}

void ResultColumns::set(std::size_t column, std::size_t row, double value) {
    std::get<Reals>(columns_[column].values).at(row) = value;
}

void ResultColumns::set(std::size_t column, std::size_t row, std::int64_t value) {
    std::get<Integers>(columns_[column].values).at(row) = value;
}

void ResultColumns::write(pipeline::Hdf5File& file, const std::string& folder, const std::string& dimension) const {
    if (has_estimates_) {
        const std::string name = folder + "sigma_y_estimated";
        file.write(name, as_column(estimates_));
        file.set_attribute(name, "long_name",
                           std::string("estimated standard deviation of the image's noise on the [-1, 1] scale"));
        file.set_attribute(name, "units", std::string("1"));
        file.attach_scale(name, 0, dimension);
    }
    for (const ResultColumn& column : columns_) {
        const std::string name = folder + column.name;
        if (const auto* texts = std::get_if<Texts>(&column.values)) {
            file.write_strings(name, *texts);
        } else if (const auto* reals = std::get_if<Reals>(&column.values)) {
            file.write(name, as_column(*reals));
        } else if (column.name == "status") {
            file.write(name, as_column(std::get<Integers>(column.values)).to(at::kChar));
            file.set_attribute(name, "flag_values", std::vector<std::int64_t>{0, 1, 2});
            file.set_attribute(name, "flag_meanings", std::string("done diverged unreadable"));
        } else {
            file.write(name, as_column(std::get<Integers>(column.values)));
        }
        file.set_attribute(name, "long_name", column.long_name);
        if (!column.units.empty()) file.set_attribute(name, "units", column.units);
        file.attach_scale(name, 0, dimension);
    }
}

std::string ResultColumns::csv() const {
    std::string text;
    for (const ResultColumn& column : columns_) text += (text.empty() ? "" : ",") + column.name;
    if (has_estimates_) text += ",sigma_y_estimated";
    text += "\r\n";
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows_); ++row) {
        for (std::size_t column = 0; column < columns_.size(); ++column) {
            if (column > 0) text += ",";
            text += csv_value(columns_[column], row);
        }
        if (has_estimates_) text += "," + csv_field(estimates_[row]);
        text += "\r\n";
    }
    return text;
}

}  // namespace jobs
