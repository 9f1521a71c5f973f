#include "jobs/report/export_images.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/report/result_images.h"
#include "jobs/report/result_points.h"
#include "operators/option.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/image_file.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

/// One part of a path that stays where it is put: no separators, no control characters, not "." or "..".
std::string path_part(std::string_view text) {
    std::string part;
    for (const char c : text) part += c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '_' : c;
    return part;
}

/// A dataset's name of an image as a relative path.
std::filesystem::path image_path(const std::string& name, const std::filesystem::path& results) {
    std::filesystem::path path;
    for (std::size_t start = 0; start <= name.size();) {
        const std::size_t end = std::min(name.find('/', start), name.size());
        const std::string part = path_part(std::string_view(name).substr(start, end - start));
        if (part.empty() || part == "." || part == "..") {
            throw pipeline::FileError(results, "image name '" + pipeline::printable(name) + "' is none of a file");
        }
        path /= part;
        start = end + 1;
    }
    return path;
}

/// What an image's source was like.
struct SourceFormat {
    std::int64_t channels = 3;
    std::int64_t bits = 8;
};

/// An ending that a dataset looks for, in any case.
bool has_image_ending(const std::string& name) {
    std::string ending = std::filesystem::path(name).extension().string();
    std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

/// [y, x, channel] on [−1, 1] → levels 0 … 255, or 0 … 65535 as int32. Grey is the mean of the channels.
at::Tensor levels(const at::Tensor& image, const SourceFormat& format) {
    const at::Tensor x =
        format.channels == 1 && image.size(2) > 1 ? image.to(at::kDouble).mean(2, true).to(at::kFloat) : image;
    // A grey network's answer to a colour image is grey: written as three equal channels.
    const at::Tensor shown = format.channels == 3 && x.size(2) == 1 ? x.expand({-1, -1, 3}) : x;
    if (format.bits == 16) return shown.add(1).mul(32767.5).clamp(0, 65535).round().to(at::kInt).contiguous();
    return shown.add(1).mul(127.5).clamp(0, 255).round().to(at::kByte).contiguous();
}

/// Formats of measured images by number; nothing where the truth is known.
std::map<std::int64_t, SourceFormat> source_formats(const std::filesystem::path& results) {
    const pipeline::Hdf5File file = pipeline::Hdf5File::open(results);
    std::map<std::int64_t, SourceFormat> formats;
    if (!file.has("measured_bits")) return formats;
    const at::Tensor numbers = file.read("image").contiguous(), channels = file.read("measured_channels").contiguous(),
                     bits = file.read("measured_bits").contiguous();
    for (std::int64_t place = 0; place < numbers.numel(); ++place) {
        formats[numbers.const_data_ptr<std::int64_t>()[place]] = {channels.const_data_ptr<std::int64_t>()[place],
                                                                  bits.const_data_ptr<std::int64_t>()[place]};
    }
    return formats;
}

/// "sdedit t-start=200" → "sdedit-t-start=200".
std::string folder_name(std::string label) {
    std::ranges::replace(label, ' ', '-');
    return path_part(label);
}

/// A file that the export writes.
struct ExportedFile {
    std::filesystem::path path;  ///< Relative to the folder.
    bool is_truth;
    std::int64_t place;  ///< The truth's image, else the row.
    SourceFormat format;
};

class Exporter {
  public:
    Exporter(const std::filesystem::path& results, bool has_one_line)
        : results_(results),
          has_one_line_(has_one_line),
          rows_(read_result_rows(results)),
          images_(results),
          formats_(source_formats(results)) {
        std::set<std::string> names(rows_.image_name.begin(), rows_.image_name.end());
        for (const std::string& name : names) ++of_stem_[std::filesystem::path(name).replace_extension().string()];
        for (const ResultPoint& point : result_points(rows_)) {
            for (const std::int64_t row : point.rows) add(point, static_cast<std::size_t>(row));
        }
    }

    /// All that could refuse is asked before the first file is written.
    ExportResult write_into(const std::filesystem::path& folder) const {
        std::set<std::filesystem::path> taken;
        for (const ExportedFile& file : files_) {
            const std::filesystem::path path = folder / file.path;
            if (!taken.insert(path).second) {
                throw pipeline::FileError(path, "would be written of two images; nothing was written");
            }
            if (std::filesystem::exists(path)) throw pipeline::FileError(path, "exists; nothing is overwritten");
        }
        for (const ExportedFile& file : files_) {
            const std::filesystem::path path = folder / file.path;
            std::error_code error;
            std::filesystem::create_directories(path.parent_path(), error);
            if (error) throw pipeline::FileError(path.parent_path(), "cannot be made: " + error.message());
            const at::Tensor image = file.is_truth ? images_.truth(file.place) : images_.restored(file.place);
            pipeline::write_png(path, levels(image, file.format));
        }
        return {static_cast<std::int64_t>(files_.size()), left_out_};
    }

  private:
    void add(const ResultPoint& point, std::size_t row) {
        if (rows_.status[row] != static_cast<std::int64_t>(pipeline::RowStatus::done)) {
            ++left_out_;
            return;
        }
        const bool is_measured = !formats_.empty();
        const std::string sample = "sample-" + std::to_string(rows_.sample[row]);
        std::filesystem::path path;
        if (!is_measured || !has_one_line_) path = folder_name(point.label());
        if (point.measured.is_generation()) {
            path /= sample;
        } else {
            const std::string sigma = std::isnan(point.measured.sigma_y)
                                          ? std::string("estimate")
                                          : operators::to_string(operators::Value(point.measured.sigma_y));
            if (!is_measured || !has_one_line_) path /= folder_name(point.measured.label()) + "-" + sigma;
            path /= is_measured ? mirrored_path(rows_.image_name[row]) : named_path(rows_.image_name[row]);
            if (rows_.sample[row] > 0) path += "." + sample;
            if (!is_measured) add_truth(row);
        }
        path += ".png";
        files_.push_back({path, false, static_cast<std::int64_t>(row), format_of(point, row)});
    }

    SourceFormat format_of(const ResultPoint& point, std::size_t row) const {
        if (formats_.empty()) return {};
        SourceFormat format = formats_.at(rows_.image_index[row]);
        // A colourised image is not to be grey again.
        const std::int64_t channels = images_.channels();
        if (images_.measured_channels(point.measured) != channels) format.channels = channels;
        return format;
    }

    /// photo.png as photo.
    std::filesystem::path named_path(const std::string& name) const {
        std::filesystem::path path = image_path(name, results_);
        if (path.extension() == ".png" && path.stem() != "") path.replace_extension();
        return path;
    }

    /// photo.jpg as photo too, unless there is a photo.png whose place that is.
    std::filesystem::path mirrored_path(const std::string& name) const {
        const std::filesystem::path stem = std::filesystem::path(name).replace_extension();
        const bool is_alone = of_stem_.at(stem.string()) == 1 && has_image_ending(name);
        return is_alone ? image_path(stem.string(), results_) : named_path(name);
    }

    void add_truth(std::size_t row) {
        const std::int64_t image = rows_.image_index[row];
        if (!truths_.insert(image).second) return;
        std::filesystem::path path = "truth" / named_path(rows_.image_name[row]);
        path += ".png";
        files_.push_back({path, true, image, {}});
    }

    std::filesystem::path results_;
    bool has_one_line_;
    ResultRows rows_;
    ResultImages images_;
    std::map<std::int64_t, SourceFormat> formats_;
    std::map<std::string, int> of_stem_;  ///< How many images differ in their endings alone.
    std::set<std::int64_t> truths_;
    std::vector<ExportedFile> files_;
    std::int64_t left_out_ = 0;
};

}  // namespace

ExportResult export_images(const Campaign& campaign, const std::filesystem::path& folder) {
    const std::filesystem::path results = campaign.folder() / "results.h5";
    return Exporter(results, campaign.plan().configurations().size() == 1).write_into(folder);
}

}  // namespace jobs
