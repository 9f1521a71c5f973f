#include "jobs/results_check.h"

#include <c10/core/ScalarType.h>

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "jobs/results_digest.h"
#include "jobs/results_restored.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5_errors.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

/// What is wrong, in one line.
struct Discrepancy {
    std::string reason;
};

template <typename Value>
Value results_attribute(const Hdf5File& file, const std::string& name) {
    const auto attribute = file.attribute("", name);
    const Value* value = attribute ? std::get_if<Value>(&*attribute) : nullptr;
    if (value == nullptr) throw Discrepancy{"attribute '" + name + "' is missing or of another type"};
    return *value;
}

std::string digest_in(const std::filesystem::path& path) {
    return results_attribute<std::string>(Hdf5File::open(path), "content_digest");
}

bool is_same(double stored, double expected) {
    return stored == expected || (std::isnan(stored) && std::isnan(expected));
}

/// The rows of a column against those of a unit.
template <typename Number>
void compare(const Hdf5File& file, const std::string& name, std::int64_t first, const std::vector<Number>& expected) {
    const at::Tensor stored = file.read_rows(name, first, static_cast<std::int64_t>(expected.size()));
    const bool is_column = stored.dim() == 1 && stored.scalar_type() == c10::CppTypeToScalarType<Number>::value;
    if (!is_column) throw Discrepancy{"'" + name + "' is not a column of its type"};
    const Number* values = stored.const_data_ptr<Number>();
    for (std::size_t row = 0; row < expected.size(); ++row) {
        if (is_same(static_cast<double>(values[row]), static_cast<double>(expected[row]))) continue;
        throw Discrepancy{"row " + std::to_string(first + static_cast<std::int64_t>(row)) + " of '" + name +
                          "' is not what its unit holds"};
    }
}

}  // namespace

template <typename Check>
void ResultsCheck::guarded(Check check) {
    if (wrong_) return;
    const std::filesystem::path path = campaign_.folder() / "results.h5";
    try {
        pipeline::as_file_error(path, check);
    } catch (const Discrepancy& found) {
        wrong_ = found.reason;
    } catch (const std::invalid_argument& error) {
        wrong_ = error.what();
    } catch (const pipeline::FileError& error) {
        std::string reason = error.what();
        const std::string prefix = pipeline::printable(path.string()) + ": ";
        if (reason.starts_with(prefix)) reason.erase(0, prefix.size());
        wrong_ = reason;
    }
}

ResultsCheck::ResultsCheck(const Campaign& campaign, std::span<const std::int64_t> committed) : campaign_(campaign) {
    const std::filesystem::path path = campaign.folder() / "results.h5";
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return;
    state_ = ResultsState::checked;
    digest_.update(campaign.plan().digest());
    guarded([&] {
        file_ = Hdf5File::open(path);
        if (results_attribute<std::string>(*file_, "plan_digest") != campaign.plan().digest()) {
            throw Discrepancy{"belongs to another plan"};
        }
        const auto missing = results_attribute<std::int64_t>(*file_, "units_missing");
        if (missing == campaign.plan().unit_count() - static_cast<std::int64_t>(committed.size())) return;
        state_ = ResultsState::outdated;
        file_.reset();
    });
}

void ResultsCheck::add_unit(const pipeline::UnitFile& unit) {
    if (is_active()) {
        guarded([&] {
            const Hdf5File stored = Hdf5File::open(campaign_.folder() / pipeline::unit_path(unit.unit));
            digest_.update(results_attribute<std::string>(stored, "content_digest"));
            compare_columns(unit);
            compare_images(unit, stored);
        });
    }
    pass_rows(unit.unit);
}

void ResultsCheck::pass_rows(std::int64_t unit) {
    const pipeline::WorkUnit passed = campaign_.plan().unit(unit);
    const auto rows = static_cast<std::int64_t>(passed.image_index.size());
    row_ += rows;
    rows_of_size_["restored" + size_suffix(campaign_.plan(), passed.image_shape)] += rows;
}

std::string ResultsCheck::restored_name(const pipeline::UnitFile& unit) const {
    const at::Tensor& images = unit.rows.restored;
    return "restored" + size_suffix(campaign_.plan(), {images.size(1), images.size(2), images.size(3)});
}

void ResultsCheck::compare_images(const pipeline::UnitFile& unit, const Hdf5File& stored) {
    const std::string name = restored_name(unit);
    for (std::size_t image = 0; image < unit.rows.image_index.size(); ++image) {
        std::uint32_t mask = 0, expected_mask = 0;
        const auto row = static_cast<std::uint64_t>(rows_of_size_[name]) + image;
        const std::string bytes = file_->read_chunk(name, {row, 0, 0, 0}, mask);
        if (bytes != stored.read_chunk("restored", {image, 0, 0, 0}, expected_mask) || mask != expected_mask) {
            throw Discrepancy{"row " + std::to_string(row) + " of '" + name + "' is not what its unit holds"};
        }
    }
}

void ResultsCheck::compare_columns(const pipeline::UnitFile& unit) {
    const pipeline::UnitRows& rows = unit.rows;
    const std::size_t count = rows.image_index.size();
    const std::pair<const char*, const std::vector<double>*> reals[] = {
        {"psnr", &rows.psnr},         {"ssim", &rows.ssim},
        {"lpips", &rows.lpips},       {"psnr_measurement", &rows.psnr_measurement},
        {"residual", &rows.residual}, {"psnr_unobserved", &rows.psnr_unobserved}};
    for (const auto& [name, expected] : reals) compare(*file_, name, row_, *expected);
    compare(*file_, "unit", row_, std::vector<std::int64_t>(count, unit.unit));
    compare(*file_, "image_index", row_, rows.image_index);
    compare(*file_, "sample", row_, rows.sample);
    compare(*file_, "class", row_, rows.class_label);
    compare(*file_, "nfe", row_, std::vector<std::int64_t>(count, rows.nfe));
    if (!rows.sigma_each.empty()) compare(*file_, "sigma_y_estimated", row_, rows.sigma_each);
    if (campaign_.plan().restored_shapes().size() > 1) {
        const std::string name = restored_name(unit);
        std::vector<std::int64_t> places(count);
        std::iota(places.begin(), places.end(), rows_of_size_[name]);
        compare(*file_, "restored_place", row_, places);
        if (restored_sizes_.empty()) restored_sizes_ = file_->read_strings("restored_size");
        for (std::size_t row = 0; row < count; ++row) {
            if ("restored_" + restored_sizes_.at(static_cast<std::size_t>(row_) + row) == name) continue;
            throw Discrepancy{"row " + std::to_string(row_ + static_cast<std::int64_t>(row)) +
                              " of 'restored_size' is not what its unit holds"};
        }
    }
    std::vector<std::int8_t> status;
    for (const pipeline::RowStatus one : rows.status) status.push_back(static_cast<std::int8_t>(one));
    compare(*file_, "status", row_, status);
}

void ResultsCheck::pass_over(std::int64_t unit) {
    is_whole_ = false;
    pass_rows(unit);
}

void ResultsCheck::add_measurement(const std::filesystem::path& name, bool is_used) {
    has_unused_ = has_unused_ || !is_used;
    if (is_active()) guarded([&] { digest_.update(digest_in(campaign_.folder() / name)); });
}

void ResultsCheck::read_through(const std::string& name) const {
    if (!file_->has(name) || file_->is_group(name)) return;
    const std::vector<std::int64_t> shape = file_->shape(name);
    if (shape.size() < 2) return;
    // An image at a time: y has noise levels before its images.
    const bool has_levels = shape.size() == 5;
    const std::int64_t images = has_levels ? shape[0] * shape[1] : shape[0];
    for (std::int64_t image = 0; image < images; ++image) {
        file_->read_at(name, has_levels ? std::vector{image / shape[1], image % shape[1]} : std::vector{image});
    }
}

void ResultsCheck::read_measurements() const {
    if (!file_->has("measurements")) return;
    for (const std::string& group : file_->children("measurements")) {
        for (const std::string& name : file_->children("measurements/" + group)) {
            read_through("measurements/" + group + "/" + name);
        }
    }
}

std::optional<std::string> ResultsCheck::finish() {
    if (is_active()) {
        guarded([&] {
            const auto stated = results_attribute<std::string>(*file_, "content_digest");
            if (is_whole_ && stated != digest_.finish()) {
                if (!has_unused_) throw Discrepancy{"its content digest is not that of the committed units"};
                state_ = ResultsState::outdated;
            }
            read_through("truth");
            read_measurements();
            if (file_->has("posterior")) {
                for (const std::string& name : file_->children("posterior")) read_through("posterior/" + name);
            }
            // What follows from units and measurements together: names, scales, the samples of an image together.
            if (results_attribute<std::string>(*file_, "columns_digest") != columns_digest(*file_)) {
                throw Discrepancy{"its columns are not those that were written"};
            }
        });
    }
    return wrong_;
}

}  // namespace jobs
