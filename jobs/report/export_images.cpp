#include "jobs/report/export_images.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

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

/// A dataset's name of an image as a relative path, its ending .png taken off.
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
    if (path.extension() == ".png" && path.stem() != "") path.replace_extension();
    return path;
}

/// [y, x, channel] on [−1, 1] → levels 0 … 255.
at::Tensor levels(const at::Tensor& image) {
    return image.add(1).mul(127.5).clamp(0, 255).round().to(at::kByte).contiguous();
}

/// "sdedit t-start=200" → "sdedit-t-start=200".
std::string folder_name(std::string label) {
    std::ranges::replace(label, ' ', '-');
    return path_part(label);
}

class Exporter {
  public:
    Exporter(const std::filesystem::path& results, const std::filesystem::path& folder)
        : results_(results), folder_(folder), rows_(read_result_rows(results)), images_(results) {}

    ExportResult run() {
        for (const ResultPoint& point : result_points(rows_)) {
            for (const std::int64_t row : point.rows) add(point, static_cast<std::size_t>(row));
        }
        return result_;
    }

  private:
    void add(const ResultPoint& point, std::size_t row) {
        if (rows_.status[row] != static_cast<std::int64_t>(pipeline::RowStatus::done)) {
            ++result_.left_out;
            return;
        }
        const std::string sample = "sample-" + std::to_string(rows_.sample[row]);
        std::filesystem::path path = folder_name(point.label());
        if (point.measured.is_generation()) {
            path /= sample;
        } else {
            const std::string sigma = operators::to_string(operators::Value(point.measured.sigma_y));
            path /= folder_name(point.measured.label()) + "-" + sigma;
            path /= image_path(rows_.image_name[row], results_);
            if (rows_.sample[row] > 0) path += "." + sample;
            add_truth(row);
        }
        write(path, images_.restored(static_cast<std::int64_t>(row)));
    }

    void add_truth(std::size_t row) {
        if (!truths_.insert(rows_.image_index[row]).second) return;
        write(std::filesystem::path("truth") / image_path(rows_.image_name[row], results_),
              images_.truth(rows_.image_index[row]));
    }

    void write(const std::filesystem::path& relative, const at::Tensor& image) {
        std::filesystem::path path = folder_ / relative;
        path += ".png";
        std::error_code error;
        std::filesystem::create_directories(path.parent_path(), error);
        if (error) throw pipeline::FileError(path.parent_path(), "cannot be made: " + error.message());
        if (std::filesystem::exists(path)) throw pipeline::FileError(path, "exists; nothing is overwritten");
        pipeline::write_png(path, levels(image));
        ++result_.images;
    }

    std::filesystem::path results_, folder_;
    ResultRows rows_;
    ResultImages images_;
    std::set<std::int64_t> truths_;
    ExportResult result_;
};

}  // namespace

ExportResult export_images(const std::filesystem::path& results, const std::filesystem::path& folder) {
    return Exporter(results, folder).run();
}

}  // namespace jobs
