#include "jobs/report/contact_sheet.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "jobs/report/drawing.h"
#include "jobs/report/result_rows.h"
#include "operators/option.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/image_file.h"

namespace jobs {

namespace {

using pipeline::Hdf5File;

constexpr std::int64_t margin = 16, gap = 6, line_height = glyph_height;
constexpr std::size_t most_images = 8, most_samples = 64;

/// Small images are enlarged, so that a tile has at least 128 pixels.
std::int64_t scale_of(std::int64_t side) {
    return std::max<std::int64_t>(1, (127 + side) / side);
}

/// What is drawn of one operator at one noise level.
struct Block {
    std::string title, group;
    double sigma_y = 0;
    std::vector<std::string> methods;
    std::vector<std::int64_t> images;
    std::vector<const ResultRow*> rows;
};

std::vector<Block> blocks_of(const ResultRows& results) {
    std::vector<Block> blocks;
    for (const ResultRow& row : results.rows) {
        if (row.image_index < 0 || row.sample != 0) continue;
        auto block = std::ranges::find_if(
            blocks, [&](const Block& b) { return b.group == row.operator_group && b.sigma_y == row.sigma_y; });
        if (block == blocks.end()) {
            const std::string sigma = operators::to_string(operators::Value(row.sigma_y));
            block = blocks.insert(block, {.title = row.operator_label + ", sigma_y = " + sigma,
                                          .group = row.operator_group,
                                          .sigma_y = row.sigma_y,
                                          .methods = {},
                                          .images = {},
                                          .rows = {}});
        }
        block->rows.push_back(&row);
        const auto note = [](auto& list, const auto& value) {
            if (std::ranges::find(list, value) == list.end()) list.push_back(value);
        };
        note(block->methods, row.method);
        if (block->images.size() < most_images) note(block->images, row.image_index);
    }
    return blocks;
}

std::string decibels(double psnr) {
    if (std::isnan(psnr)) return "-";
    char text[32];
    std::snprintf(text, sizeof text, "%.2f dB", psnr);
    return text;
}

/// A label in as many lines of a tile's width as it needs, broken at blanks.
std::vector<std::string> broken(const std::string& label, std::size_t characters) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < label.size();) {
        const std::size_t end = std::min(label.find(' ', begin), label.size());
        const std::string word = label.substr(begin, end - begin);
        if (!lines.empty() && lines.back().size() + 1 + word.size() <= characters) {
            lines.back() += " " + word;
        } else {
            for (std::size_t part = 0; part < word.size(); part += characters)
                lines.push_back(word.substr(part, characters));
        }
        begin = end + 1;
    }
    return lines;
}

/// Images of a results file by place, on [−1, 1].
class Pictures {
  public:
    explicit Pictures(const std::filesystem::path& results) : file_(Hdf5File::open(results)) {
        const at::Tensor numbers = file_.has("image") ? file_.read("image") : at::Tensor();
        for (std::int64_t i = 0; numbers.defined() && i < numbers.numel(); ++i) {
            places_[numbers.const_data_ptr<std::int64_t>()[i]] = i;
        }
    }
    at::Tensor restored(std::int64_t row) const {
        const at::Tensor image = file_.read_rows("restored", row, 1)[0];
        return image.scalar_type() == at::kByte ? image.to(at::kFloat).div(127.5).sub(1) : image;
    }
    at::Tensor truth(std::int64_t image) const { return file_.read_rows("truth", places_.at(image), 1)[0]; }
    /// y [y, x, channel] of an image; undefined where y is no image.
    at::Tensor measured(const Block& block, std::int64_t image) const {
        const std::string folder = "measurements/" + block.group;
        const at::Tensor levels = file_.read(folder + "/sigma");
        for (std::int64_t level = 0; level < levels.numel(); ++level) {
            if (levels.const_data_ptr<double>()[level] != block.sigma_y) continue;
            return file_.read_rows(folder + "/y", level, 1)[0][places_.at(image)];
        }
        return {};
    }
    std::vector<std::int64_t> shape() const { return file_.shape("restored"); }

  private:
    Hdf5File file_;
    std::map<std::int64_t, std::int64_t> places_;
};

/// Columns of tiles with a label above and a line of text under each tile.
class Sheet {
  public:
    Sheet(std::int64_t tile_height, std::int64_t tile_width, std::int64_t columns, std::int64_t height)
        : tile_height_(tile_height),
          tile_width_(tile_width),
          drawing(2 * margin + columns * (tile_width + gap) - gap, height) {}
    std::int64_t x(std::size_t column) const {
        return margin + static_cast<std::int64_t>(column) * (tile_width_ + gap);
    }
    std::size_t characters() const { return static_cast<std::size_t>(tile_width_ / glyph_width); }
    void heading(std::size_t column, std::int64_t y, const std::string& label) {
        for (const std::string& line : broken(label, characters())) {
            drawing.text(x(column), y, line);
            y += line_height;
        }
    }
    void tile(std::size_t column, std::int64_t y, const at::Tensor& image, std::int64_t scale,
              const std::string& caption) {
        drawing.image(x(column), y, image, scale);
        drawing.text(x(column), y + tile_height_, caption, 150);
    }

  private:
    std::int64_t tile_height_, tile_width_;

  public:
    Drawing drawing;
};

std::int64_t heading_lines(const Block& block, std::size_t characters) {
    std::size_t most = 1;
    for (const std::string& method : block.methods) most = std::max(most, broken(method, characters).size());
    return static_cast<std::int64_t>(most);
}

}  // namespace

bool write_contact_sheet(const std::filesystem::path& results, const std::filesystem::path& png) {
    const ResultRows rows = read_result_rows(results);
    const std::vector<Block> blocks = blocks_of(rows);
    if (blocks.empty()) return false;
    const Pictures pictures(results);
    const std::vector<std::int64_t> shape = pictures.shape();
    const std::int64_t scale = scale_of(std::max(shape[1], shape[2]));
    const std::int64_t tile_height = shape[1] * scale, tile_width = shape[2] * scale;
    const std::int64_t row_height = tile_height + line_height + gap;

    // The size of the sheet: the widest block, all blocks one under the other.
    const auto characters = static_cast<std::size_t>(tile_width / glyph_width);
    std::size_t columns = 0;
    std::int64_t height = 2 * margin;
    for (const Block& block : blocks) {
        columns = std::max(columns, 2 + block.methods.size());
        height += (2 + heading_lines(block, characters)) * line_height + gap +
                  static_cast<std::int64_t>(block.images.size()) * row_height + margin;
    }
    Sheet sheet(tile_height, tile_width, static_cast<std::int64_t>(columns), height);

    std::int64_t y = margin;
    for (const Block& block : blocks) {
        sheet.drawing.text(margin, y, block.title);
        y += 2 * line_height;
        sheet.heading(0, y, "truth");
        sheet.heading(1, y, "measurement");
        for (std::size_t m = 0; m < block.methods.size(); ++m) sheet.heading(2 + m, y, block.methods[m]);
        y += heading_lines(block, characters) * line_height + gap / 2;
        for (const std::int64_t image : block.images) {
            sheet.tile(0, y, pictures.truth(image), scale, "");
            for (const ResultRow* row : block.rows) {
                if (row->image_index != image) continue;
                const auto method = std::ranges::find(block.methods, row->method) - block.methods.begin();
                sheet.tile(2 + static_cast<std::size_t>(method), y, pictures.restored(row->row), scale,
                           decibels(row->psnr));
                const at::Tensor measured = method == 0 ? pictures.measured(block, image) : at::Tensor();
                if (measured.defined() && measured.size(0) == shape[1] && measured.size(1) == shape[2]) {
                    sheet.tile(1, y, measured, scale, decibels(row->psnr_measurement));
                }
            }
            y += row_height;
        }
        y += margin;
    }
    pipeline::write_png(png, sheet.drawing.pixels());
    return true;
}

bool write_sample_grid(const std::filesystem::path& results, const std::filesystem::path& png) {
    const ResultRows rows = read_result_rows(results);
    std::vector<std::string> methods;
    std::vector<std::vector<const ResultRow*>> samples;
    for (const ResultRow& row : rows.rows) {
        if (row.image_index >= 0) continue;
        const auto method = std::ranges::find(methods, row.method) - methods.begin();
        if (method == static_cast<std::ptrdiff_t>(methods.size())) {
            methods.push_back(row.method);
            samples.emplace_back();
        }
        auto& list = samples[static_cast<std::size_t>(method)];
        if (list.size() < most_samples) list.push_back(&row);
    }
    if (methods.empty()) return false;

    const Pictures pictures(results);
    const std::vector<std::int64_t> shape = pictures.shape();
    const std::int64_t scale = scale_of(std::max(shape[1], shape[2]));
    const std::int64_t tile_height = shape[1] * scale, tile_width = shape[2] * scale;
    constexpr std::size_t columns = 8;
    std::int64_t height = 2 * margin;
    for (const auto& list : samples) {
        height += 2 * line_height +
                  static_cast<std::int64_t>((list.size() + columns - 1) / columns) * (tile_height + gap) + margin;
    }
    Sheet sheet(tile_height, tile_width, columns, height);
    std::int64_t y = margin;
    for (std::size_t m = 0; m < methods.size(); ++m) {
        sheet.drawing.text(margin, y,
                           methods[m] + ", " + std::to_string(samples[m].front()->nfe) + " network calls an image");
        y += line_height + gap;
        for (std::size_t i = 0; i < samples[m].size(); ++i) {
            if (i > 0 && i % columns == 0) y += tile_height + gap;
            sheet.drawing.image(sheet.x(i % columns), y, pictures.restored(samples[m][i]->row), scale);
        }
        y += tile_height + gap + margin;
    }
    pipeline::write_png(png, sheet.drawing.pixels());
    return true;
}

}  // namespace jobs
