#include "jobs/report/result_posterior.h"

#include <ATen/TensorOperators.h>

#include <cmath>
#include <limits>

namespace jobs {

namespace {

const std::string posterior_group = "posterior/";

std::vector<double> posterior_numbers(const pipeline::Hdf5File& file, const std::string& name) {
    const at::Tensor values = file.read(posterior_group + name).to(at::kDouble).contiguous();
    return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
}

bool is_same_number(double one, double other) {
    return one == other || (std::isnan(one) && std::isnan(other));
}

/// The columns by which an entry's configuration is known.
struct PosteriorKeys {
    std::vector<std::string> method, operator_name, respacing;
    std::vector<double> sigma_y;
    std::map<std::string, std::vector<double>> numbers;
    std::map<std::string, std::vector<std::string>> texts;

    PosteriorKeys(const pipeline::Hdf5File& file, const ResultRows& rows)
        : method(file.read_strings(posterior_group + "method")),
          operator_name(file.read_strings(posterior_group + "operator")),
          sigma_y(posterior_numbers(file, "sigma_y")) {
        if (file.has(posterior_group + "respacing")) respacing = file.read_strings(posterior_group + "respacing");
        for (const auto& [name, values] : rows.settings) {
            if (!file.has(posterior_group + name)) continue;
            if (std::holds_alternative<std::vector<double>>(values)) {
                numbers[name] = posterior_numbers(file, name);
            } else {
                texts[name] = file.read_strings(posterior_group + name);
            }
        }
    }

    bool is_of(const ResultRows& rows, std::int64_t row, std::size_t entry) const {
        const auto place = static_cast<std::size_t>(row);
        bool is_it = method.at(entry) == rows.method[place] && operator_name.at(entry) == rows.operator_name[place] &&
                     is_same_number(sigma_y.at(entry), rows.sigma_y[place]) &&
                     (respacing.empty() || respacing.at(entry) == rows.respacing[place]);
        for (const auto& [name, values] : numbers) {
            is_it =
                is_it && is_same_number(values.at(entry), std::get<std::vector<double>>(rows.settings.at(name))[place]);
        }
        for (const auto& [name, values] : texts) {
            is_it = is_it && values.at(entry) == std::get<std::vector<std::string>>(rows.settings.at(name))[place];
        }
        return is_it;
    }
};

}  // namespace

ResultPosterior::ResultPosterior(const std::filesystem::path& results, const ResultRows& rows,
                                 const std::vector<ResultPoint>& points)
    : file_(pipeline::Hdf5File::open(results)) {
    if (!file_.has("posterior") || !file_.has(posterior_group + "image_index")) return;
    const PosteriorKeys keys(file_, rows);
    const std::vector<double> images = posterior_numbers(file_, "image_index");
    for (const PosteriorColumn& column : posterior_columns) {
        if (file_.has(posterior_group + column.name)) columns_[column.name] = posterior_numbers(file_, column.name);
    }
    if (file_.has(posterior_group + "restored_size")) {
        sizes_ = file_.read_strings(posterior_group + "restored_size");
        for (const double place : posterior_numbers(file_, "restored_place")) {
            size_places_.push_back(static_cast<std::int64_t>(place));
        }
    }
    for (std::size_t entry = 0; entry < images.size(); ++entry) {
        for (std::size_t point = 0; point < points.size(); ++point) {
            if (!keys.is_of(rows, points[point].rows.front(), entry)) continue;
            entries_[{point, static_cast<std::int64_t>(images[entry])}] = static_cast<std::int64_t>(entry);
            break;
        }
    }
}

std::optional<std::int64_t> ResultPosterior::entry(std::size_t point, std::int64_t image) const {
    const auto found = entries_.find({point, image});
    return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::int64_t> ResultPosterior::entries(std::size_t point) const {
    std::vector<std::int64_t> of_point;
    for (auto at = entries_.lower_bound({point, std::numeric_limits<std::int64_t>::min()});
         at != entries_.end() && at->first.first == point; ++at) {
        of_point.push_back(at->second);
    }
    return of_point;
}

double ResultPosterior::value(const PosteriorColumn& column, std::int64_t entry) const {
    const auto found = columns_.find(column.name);
    return found == columns_.end() ? std::numeric_limits<double>::quiet_NaN()
                                   : found->second.at(static_cast<std::size_t>(entry));
}

std::vector<double> ResultPosterior::rank_histogram(std::size_t point) const {
    const std::string name = posterior_group + "rank_histogram";
    if (!file_.has(name) || file_.shape(name).size() != 2) return {};
    std::vector<double> shares(static_cast<std::size_t>(file_.shape(name)[1]));
    double count = 0;
    for (const std::int64_t entry : entries(point)) {
        const at::Tensor row = file_.read_rows(name, entry, 1).to(at::kDouble).contiguous();
        if (!std::isfinite(row.sum().item<double>())) continue;
        ++count;
        for (std::size_t rank = 0; rank < shares.size(); ++rank) shares[rank] += row.const_data_ptr<double>()[rank];
    }
    if (count == 0) return {};
    for (double& share : shares) share /= count;
    return shares;
}

at::Tensor ResultPosterior::image(const std::string& name, std::int64_t entry) const {
    const auto place = static_cast<std::size_t>(entry);
    const std::string dataset =
        posterior_group + name + (sizes_.empty() || sizes_.at(place).empty() ? "" : "_" + sizes_.at(place));
    if (!file_.has(dataset) || file_.shape(dataset).size() != 4) return {};
    return file_.read_rows(dataset, sizes_.empty() ? entry : size_places_.at(place), 1).select(0, 0).to(at::kFloat);
}

at::Tensor ResultPosterior::mean(std::int64_t entry) const {
    return image("mean", entry);
}

at::Tensor ResultPosterior::standard_deviation(std::int64_t entry) const {
    return image("std", entry);
}

}  // namespace jobs
