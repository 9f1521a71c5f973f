#include "jobs/report/page_images.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "jobs/report/picture_bytes.h"
#include "jobs/report/report_json.h"
#include "jobs/report/result_images.h"
#include "jobs/report/result_posterior.h"
#include "jobs/report/statistics.h"
#include "pipeline/data/hdf5_errors.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

using Json = nlohmann::json;

constexpr std::size_t most_page_images = 60;
constexpr std::size_t most_page_points = 300;
constexpr std::int64_t most_page_samples = 4;
constexpr std::int64_t largest_side = 512, smallest_side = 24;
constexpr std::size_t fewest_images = 4;

/// Pictures by content, each once.
class Pictures {
  public:
    /// Of an image [y, x, channel] on [−1, 1]; −1 where there is none.
    std::int64_t add(const at::Tensor& image, std::int64_t averaged) {
        if (!image.defined()) return -1;
        at::Tensor shown = image.to(at::kFloat).nan_to_num(0);
        const std::int64_t side = std::max(shown.size(0), shown.size(1));
        const std::int64_t factor =
            std::min({averaged * ((side + largest_side - 1) / largest_side), shown.size(0), shown.size(1)});
        averaged_ = std::max(averaged_, factor);
        smallest_ = std::min(smallest_, side / factor);
        if (factor > 1) shown = at::avg_pool2d(shown.permute({2, 0, 1}).unsqueeze(0), factor)[0].permute({1, 2, 0});
        std::string text = base64(png_bytes(shown.add(1).mul(127.5).clamp(0, 255).round().to(at::kByte)));
        const auto [place, is_new] = places_.emplace(std::move(text), static_cast<std::int64_t>(order_.size()));
        if (is_new) {
            order_.push_back(&place->first);
            bytes_ += place->first.size() + 3;
        }
        return place->second;
    }
    std::size_t bytes() const { return bytes_; }
    /// The most that was averaged over, and the longer side of the smallest picture.
    std::int64_t averaged() const { return averaged_; }
    std::int64_t smallest() const { return smallest_; }
    std::size_t count() const { return order_.size(); }
    /// Forgets all but the first `count`.
    void keep(std::size_t count) {
        for (; order_.size() > count; order_.pop_back()) {
            bytes_ -= order_.back()->size() + 3;
            places_.erase(places_.find(*order_.back()));
        }
    }
    void clear() {
        keep(0);
        averaged_ = 1;
        smallest_ = largest_side;
    }
    Json json() const {
        Json list = Json::array();
        for (const std::string* text : order_) list.push_back(*text);
        return list;
    }

  private:
    std::map<std::string, std::int64_t> places_;
    std::vector<const std::string*> order_;
    std::size_t bytes_ = 0;
    std::int64_t averaged_ = 1, smallest_ = largest_side;
};

/// An image of a group: its number in the dataset, or of a generated image.
struct PageImage {
    std::int64_t number = 0;
    std::string name;
};

class PageImages {
  public:
    PageImages(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups)
        : runs_(runs), groups_(groups) {
        for (const ReportRun& run : runs) {
            files_.push_back(std::make_unique<ResultImages>(run.results));
            posteriors_.emplace_back(run.results, run.rows, run.points);
        }
        std::size_t points = 0;
        for (const ReportGroup& group : groups) {
            first_point_.push_back(points);
            points += group.lines.size();
            images_.push_back(images_of(group));
            orders_.push_back(spread_order(images_.back().size()));
        }
        points_ = points;
    }

    Json json(std::size_t most_bytes) {
        std::int64_t averaged = 1;
        std::size_t shown = fill(averaged, most_bytes);
        while (shown < std::min(fewest_images, most_images()) && pictures_.smallest() / 2 >= smallest_side) {
            averaged *= 2;
            shown = fill(averaged, most_bytes);
        }
        return {{"pictures", pictures_.json()},
                {"groups", groups_json()},
                {"averaged", pictures_.averaged()},
                {"images_shown", shown},
                {"images", most_images()},
                {"points_shown", std::min(points_, most_page_points)},
                {"points", points_}};
    }

  private:
    std::vector<PageImage> images_of(const ReportGroup& group) const {
        std::map<std::int64_t, std::string> names;
        for (const ReportLine& line : group.lines) {
            const ResultRows& rows = runs_[line.run].rows;
            for (const std::int64_t row : point_of(runs_, line).rows) {
                const auto place = static_cast<std::size_t>(row);
                names.emplace(group.is_generation ? rows.sample[place] : rows.image_index[place],
                              rows.image_name[place]);
            }
        }
        std::vector<PageImage> images;
        for (const auto& [number, name] : names) images.push_back({number, name});
        return images;
    }

    std::size_t most_images() const {
        std::size_t most = 0;
        for (const auto& images : images_) most = std::max(most, images.size());
        return most;
    }

    /// Takes image after image of every group while they fit; how many.
    std::size_t fill(std::int64_t averaged, std::size_t most_bytes) {
        pictures_.clear();
        entries_.assign(groups_.size(), {});
        std::size_t json_bytes = 0;
        const std::size_t wanted = std::min(most_images(), most_page_images);
        for (std::size_t turn = 0; turn < wanted; ++turn) {
            const std::size_t pictures = pictures_.count();
            std::vector<std::pair<std::size_t, Json>> added;
            for (std::size_t g = 0; g < groups_.size() && pictures_.bytes() + json_bytes <= most_bytes; ++g) {
                if (turn >= orders_[g].size() || first_point_[g] >= most_page_points) continue;
                added.emplace_back(g, entry_json(g, images_[g][orders_[g][turn]], averaged));
                json_bytes += added.back().second.dump(-1, ' ', false, Json::error_handler_t::replace).size();
            }
            if (pictures_.bytes() + json_bytes > most_bytes) {
                pictures_.keep(pictures);
                return turn;
            }
            for (auto& [group, entry] : added) entries_[group].push_back(std::move(entry));
        }
        return wanted;
    }

    Json entry_json(std::size_t g, const PageImage& image, std::int64_t averaged) {
        const ReportGroup& group = groups_[g];
        Json entry = {{"number", image.number}, {"name", image.name}, {"truth", -1}, {"measurement", -1}};
        Json& cells = entry["cells"] = Json::array();
        for (std::size_t i = 0; i < group.lines.size() && first_point_[g] + i < most_page_points; ++i) {
            const ReportLine& line = group.lines[i];
            bool is_given = group.is_generation;
            for (const std::int64_t row : point_of(runs_, line).rows) {
                const auto place = static_cast<std::size_t>(row);
                const ResultRows& rows = runs_[line.run].rows;
                const bool is_it = group.is_generation ? rows.sample[place] == image.number
                                                       : rows.image_index[place] == image.number &&
                                                             rows.sample[place] < most_page_samples;
                if (is_it && !std::exchange(is_given, true)) add_given(entry, line, image.number, row, averaged);
                if (is_it) cells.push_back(cell_json(line, first_point_[g] + i, row, averaged));
            }
            if (!group.is_generation) add_posterior(cells, line, first_point_[g] + i, image.number, averaged);
        }
        entry["height"] = shape_.first;
        entry["width"] = shape_.second;
        return entry;
    }

    /// Truth and measurement, from the first run that has them.
    void add_given(Json& entry, const ReportLine& line, std::int64_t number, std::int64_t row, std::int64_t averaged) {
        const ResultImages& file = *files_[line.run];
        if (entry["truth"] == -1) entry["truth"] = pictures_.add(file.truth(number), averaged);
        if (entry["measurement"] == -1) {
            entry["measurement"] = pictures_.add(file.measured(point_of(runs_, line).measured, number, row), averaged);
        }
    }

    Json cell_json(const ReportLine& line, std::size_t point, std::int64_t row, std::int64_t averaged) {
        const ResultRows& rows = runs_[line.run].rows;
        const auto place = static_cast<std::size_t>(row);
        const auto status = static_cast<pipeline::RowStatus>(rows.status[place]);
        Json cell = {{"point", point}, {"sample", rows.sample[place]}, {"picture", -1}};
        if (status != pipeline::RowStatus::done) {
            cell["status"] = status == pipeline::RowStatus::diverged ? "diverged" : "unreadable";
            return cell;
        }
        const at::Tensor image = files_[line.run]->restored(row);
        shape_ = {image.size(0), image.size(1)};
        cell["picture"] = pictures_.add(image, averaged);
        for (const Metric& metric : report_metrics) {
            const Json value = json_number((rows.*metric.values)[place]);
            if (!value.is_null()) cell[metric.name] = value;
        }
        return cell;
    }

    /// Mean and standard deviation of the samples of an image, where there are any: of the first sample's cell.
    void add_posterior(Json& cells, const ReportLine& line, std::size_t point, std::int64_t image,
                       std::int64_t averaged) {
        const ResultPosterior& posterior = posteriors_[line.run];
        const auto entry = posterior.entry(line.point, image);
        const auto cell =
            std::ranges::find_if(cells, [&](const Json& one) { return one.at("point").get<std::size_t>() == point; });
        if (!entry || cell == cells.end()) return;
        const at::Tensor mean = posterior.mean(*entry);
        if (!mean.defined()) return;
        (*cell)["mean"] = pictures_.add(mean, averaged);
        Json& numbers = (*cell)["posterior"] = Json::object();
        for (const PosteriorColumn& column : posterior_columns) {
            const Json value = json_number(posterior.value(column, *entry));
            if (!value.is_null()) numbers[column.name] = value;
        }
        const at::Tensor deviation = posterior.standard_deviation(*entry);
        if (!deviation.defined()) return;
        // Grey on [0, 1]: half of what it is on [−1, 1]; white is the most that this image has.
        const at::Tensor grey = deviation.nan_to_num(0).mean(2, true) / 2;
        const double white = std::max(grey.max().item<double>(), 1e-6);
        (*cell)["std"] = pictures_.add(grey / white * 2 - 1, averaged);
        (*cell)["std_white"] = json_number(white);
    }

    /// Each group's images by their number.
    Json groups_json() {
        Json list = Json::array();
        for (auto& entries : entries_) {
            std::ranges::sort(entries, {}, [](const Json& entry) { return entry["number"].get<std::int64_t>(); });
            list.push_back(entries);
        }
        return list;
    }

    const std::vector<ReportRun>& runs_;
    const std::vector<ReportGroup>& groups_;
    std::vector<std::unique_ptr<ResultImages>> files_;
    std::vector<ResultPosterior> posteriors_;
    std::vector<std::size_t> first_point_;
    std::vector<std::vector<PageImage>> images_;
    std::vector<std::vector<std::size_t>> orders_;  ///< Of each group's images.
    std::vector<std::vector<Json>> entries_;        ///< Of each group.
    std::size_t points_ = 0;
    std::pair<std::int64_t, std::int64_t> shape_ = {1, 1};  ///< Height and width of the last image that was there.
    Pictures pictures_;
};

}  // namespace

std::vector<std::size_t> spread_order(std::size_t count) {
    std::size_t bits = 0;
    while ((std::size_t{1} << bits) < count) ++bits;
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < std::size_t{1} << bits; ++i) {
        std::size_t reversed = 0;
        for (std::size_t bit = 0; bit < bits; ++bit) reversed |= (i >> bit & 1) << (bits - 1 - bit);
        if (reversed < count) order.push_back(reversed);
    }
    return order;
}

Json page_images(const std::vector<ReportRun>& runs, const std::vector<ReportGroup>& groups, std::size_t most_bytes) {
    try {
        return PageImages(runs, groups).json(most_bytes);
    } catch (const pipeline::Hdf5Error& error) {
        throw pipeline::FileError(runs.front().results, error.what());
    }
}

}  // namespace jobs
