#include "jobs/report/result_rows.h"

#include <ATen/TensorOperators.h>

#include <cmath>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>

#include "jobs/results_columns.h"
#include "operators/make_operator.h"
#include "operators/option.h"
#include "pipeline/data/file_error.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

template <typename Number>
std::vector<Number> numbers_of(const pipeline::Hdf5File& file, const std::string& name) {
    const at::Tensor values = file.read(name).to(c10::CppTypeToScalarType<Number>::value).contiguous();
    return {values.const_data_ptr<Number>(), values.const_data_ptr<Number>() + values.numel()};
}

/// Columns of numbers have units, columns of text have none.
bool is_text(const pipeline::Hdf5File& file, const std::string& name) {
    return !file.attribute(name, "units");
}

/// The axes of the methods and operators that occur, as far as this file has columns for them.
std::set<std::string> axis_columns(const pipeline::Hdf5File& file, const ResultRows& rows) {
    std::set<std::string> names;
    const auto add = [&](const std::string& section, std::span<const operators::Option> options) {
        for (const operators::Option& option : options) {
            const std::string name = setting_column(section, std::string(option.name));
            if (option.is_axis && file.has(name)) names.insert(name);
        }
    };
    for (const std::string& name : std::set(rows.method.begin(), rows.method.end())) {
        add(name, pipeline::find_method(name).options);
    }
    for (const std::string& name : std::set(rows.operator_name.begin(), rows.operator_name.end())) {
        if (name != "none") add(name, operators::find_operator(name).options);
    }
    return names;
}

ResultRows read_rows_of(const pipeline::Hdf5File& file) {
    ResultRows rows;
    rows.image_name = file.read_strings("image_name");
    rows.method = file.read_strings("method");
    rows.operator_name = file.read_strings("operator");
    rows.respacing = file.read_strings("respacing");
    rows.image_index = numbers_of<std::int64_t>(file, "image_index");
    rows.sample = numbers_of<std::int64_t>(file, "sample");
    rows.nfe = numbers_of<std::int64_t>(file, "nfe");
    rows.status = numbers_of<std::int64_t>(file, "status");
    rows.sigma_y = numbers_of<double>(file, "sigma_y");
    rows.psnr = numbers_of<double>(file, "psnr");
    rows.ssim = numbers_of<double>(file, "ssim");
    rows.lpips = numbers_of<double>(file, "lpips");
    rows.psnr_measurement = numbers_of<double>(file, "psnr_measurement");
    rows.psnr_unobserved = numbers_of<double>(file, "psnr_unobserved");
    rows.residual = numbers_of<double>(file, "residual");
    rows.seconds = numbers_of<double>(file, "seconds");
    rows.count = static_cast<std::int64_t>(rows.method.size());
    for (const std::string& name : axis_columns(file, rows)) {
        if (is_text(file, name)) {
            rows.settings[name] = file.read_strings(name);
        } else {
            rows.settings[name] = numbers_of<double>(file, name);
        }
    }
    rows.poisson_rate = std::get<double>(file.attribute("", "poisson_rate").value());
    rows.lpips_net = std::get<std::string>(file.attribute("", "lpips_net").value());
    rows.units_missing = std::get<std::int64_t>(file.attribute("", "units_missing").value());
    return rows;
}

/// Every column has as many values as there are rows.
bool is_rectangular(const ResultRows& rows) {
    const auto fits = [&rows](const auto& values) { return static_cast<std::int64_t>(values.size()) == rows.count; };
    for (const auto& column : rows.settings) {
        if (!std::visit(fits, column.second)) return false;
    }
    return fits(rows.image_name) && fits(rows.operator_name) && fits(rows.respacing) && fits(rows.image_index) &&
           fits(rows.sample) && fits(rows.nfe) && fits(rows.status) && fits(rows.sigma_y) && fits(rows.psnr) &&
           fits(rows.ssim) && fits(rows.lpips) && fits(rows.psnr_measurement) && fits(rows.psnr_unobserved) &&
           fits(rows.residual) && fits(rows.seconds);
}

}  // namespace

std::string ResultRows::setting(const std::string& column, std::int64_t row) const {
    const auto found = settings.find(column);
    if (found == settings.end()) return "";
    const auto place = static_cast<std::size_t>(row);
    if (const auto* texts = std::get_if<std::vector<std::string>>(&found->second)) return (*texts)[place];
    const double value = std::get<std::vector<double>>(found->second)[place];
    return std::isnan(value) ? "" : operators::to_string(operators::Value(value));
}

ResultRows read_result_rows(const std::filesystem::path& results) {
    try {
        ResultRows rows = read_rows_of(pipeline::Hdf5File::open(results));
        if (!is_rectangular(rows)) throw pipeline::FileError(results, "its columns have different lengths");
        return rows;
    } catch (const pipeline::Hdf5Error& error) {
        throw pipeline::FileError(results, std::string("is not what merge writes: ") + error.what());
    } catch (const std::bad_optional_access&) {
        throw pipeline::FileError(results, "is not what merge writes: it lacks an attribute");
    } catch (const std::bad_variant_access&) {
        throw pipeline::FileError(results, "is not what merge writes: an attribute has another type");
    } catch (const std::invalid_argument& error) {
        throw pipeline::FileError(results, std::string("was not written by this version: ") + error.what());
    }
}

}  // namespace jobs
