#include "jobs/report/contact_sheet.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "jobs/report/result_images.h"
#include "jobs/report/result_points.h"
#include "jobs/report/tiles.h"
#include "operators/option.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

constexpr std::size_t most_blocks = 12;
constexpr std::size_t most_points = 24;
constexpr int column_gap = 10;
constexpr int row_gap = 8;
constexpr int block_gap = 30;

/// What is drawn of one operator at one noise level.
struct SheetBlock {
    std::vector<ResultPoint> points;
    std::size_t points_left_out = 0;
    std::vector<std::int64_t> images;
    std::map<std::int64_t, std::string> names;  ///< Of images.
};

struct SheetBlocks {
    std::vector<SheetBlock> blocks;
    std::size_t left_out = 0;
};

void note_images(SheetBlock& block, const ResultPoint& point, const ResultRows& rows, std::size_t most_images) {
    for (const std::int64_t row : point.rows) {
        const std::int64_t image = rows.image_index[static_cast<std::size_t>(row)];
        if (block.names.contains(image) || block.images.size() == most_images) continue;
        block.images.push_back(image);
        block.names[image] = rows.image_name[static_cast<std::size_t>(row)];
    }
}

SheetBlocks sheet_blocks(const ResultRows& rows, std::size_t most_images) {
    SheetBlocks all;
    std::string last;
    for (const ResultPoint& point : result_points(rows)) {
        if (point.measured.is_generation()) continue;
        const std::string here = point.measured.label() + " " + point.measured.sigma_label();
        if (here != last && all.blocks.size() == most_blocks) {
            ++all.left_out;
        } else if (here != last) {
            all.blocks.emplace_back();
        }
        last = here;
        if (all.left_out > 0) continue;
        SheetBlock& block = all.blocks.back();
        if (block.points.size() == most_points) {
            ++block.points_left_out;
            continue;
        }
        note_images(block, point, rows, most_images);
        block.points.push_back(point);
    }
    return all;
}

std::string decibels(double psnr) {
    if (std::isnan(psnr)) return "";
    if (std::isinf(psnr)) return "identical";
    char text[32];
    std::snprintf(text, sizeof text, "%.2f dB", psnr);
    return text;
}

/// The row of an image at a point, first sample; −1 where its unit is missing.
std::int64_t row_of(const ResultRows& rows, const ResultPoint& point, std::int64_t image) {
    const auto found = std::ranges::find_if(point.rows, [&](std::int64_t row) {
        const auto place = static_cast<std::size_t>(row);
        return rows.image_index[place] == image && rows.sample[place] == 0;
    });
    return found == point.rows.end() ? -1 : *found;
}

const char* word_of_status(std::int64_t status) {
    return status == static_cast<std::int64_t>(pipeline::RowStatus::diverged) ? "diverged" : "unreadable";
}

/// Draws blocks one under the other.
class Sheet {
  public:
    Sheet(const std::filesystem::path& results, const ResultRows& rows, const SheetBlocks& all)
        : rows_(rows),
          images_(results),
          tile_(images_.height(), images_.width()),
          all_(all),
          canvas_(total_width(), total_height(), paper_colour) {}

    void draw() {
        int y = picture_margin;
        for (const SheetBlock& block : all_.blocks) y = draw_block(block, y) + block_gap;
        if (all_.left_out > 0) {
            canvas_.draw_text(picture_margin, y - block_gap / 2,
                              "and " + std::to_string(all_.left_out) + " more operator configurations", Face::regular,
                              faint_colour);
        }
    }
    const Canvas& canvas() const { return canvas_; }

  private:
    int column(std::size_t number) const {
        return picture_margin + static_cast<int>(number) * (tile_.width() + column_gap);
    }
    int row_height() const { return tile_.height() + glyph_height(Face::regular) + row_gap; }

    /// Lines above the tiles: the method and its settings.
    int heading_height(const SheetBlock& block) const {
        std::size_t lines = 1;
        for (const ResultPoint& point : block.points) lines = std::max(lines, 1 + point.settings.size());
        return static_cast<int>(lines) * glyph_height(Face::regular) + 4;
    }
    int title_height() const { return glyph_height(Face::bold) + 14; }

    int total_width() const {
        std::size_t columns = 4;  // room for a title
        for (const SheetBlock& block : all_.blocks) columns = std::max(columns, 2 + block.points.size());
        return column(columns) - column_gap + picture_margin;
    }
    int total_height() const {
        int height = 2 * picture_margin - block_gap;
        for (const SheetBlock& block : all_.blocks) {
            height += title_height() + heading_height(block) + static_cast<int>(block.images.size()) * row_height() +
                      block_gap;
        }
        return height + (all_.left_out > 0 ? block_gap : 0);
    }

    void draw_title(const SheetBlock& block, int y) {
        const MeasuredAs& measured = block.points.front().measured;
        const std::string sigma_y = operators::to_string(operators::Value(measured.sigma_y));
        std::string details = measured.sigma_y > 0           ? "σ_y = " + sigma_y + " on [-1, 1]"
                              : std::isnan(measured.sigma_y) ? std::string("σ_y estimated")
                                                             : std::string("no noise");
        if (block.points_left_out > 0) details += ", " + std::to_string(block.points_left_out) + " more methods";
        const std::string title = measured.label();
        canvas_.draw_text(picture_margin, y, title, Face::bold, ink_colour);
        canvas_.draw_text(picture_margin + text_width(title, Face::bold) + 16, y + 3, details, Face::regular,
                          faint_colour);
        canvas_.fill(picture_margin, y + glyph_height(Face::bold) + 4, canvas_.width() - 2 * picture_margin, 1,
                     line_colour);
    }

    void draw_heading(std::size_t place, int y, const std::vector<std::string>& lines) {
        for (std::size_t line = 0; line < lines.size(); ++line) {
            canvas_.draw_text(column(place), y + static_cast<int>(line) * glyph_height(Face::regular), lines[line],
                              Face::regular, line == 0 ? ink_colour : faint_colour);
        }
    }

    void draw_image_row(const SheetBlock& block, std::int64_t image, int y) {
        const ResultPoint& first = block.points.front();
        const at::Tensor measured =
            images_.measured(first.measured, image, std::max<std::int64_t>(0, row_of(rows_, first, image)));
        if (images_.has_truth()) {
            tile_.draw(canvas_, column(0), y, images_.truth(image));
        } else {
            tile_.draw_empty(canvas_, column(0), y, "not known");
        }
        tile_.draw_caption(canvas_, column(0), y, block.names.at(image), faint_colour);

        double best = -1, given = std::nan("");
        for (const ResultPoint& point : block.points) {
            const std::int64_t row = row_of(rows_, point, image);
            if (row < 0) continue;
            best = std::fmax(best, rows_.psnr[static_cast<std::size_t>(row)]);
            given = rows_.psnr_measurement[static_cast<std::size_t>(row)];
        }
        if (measured.defined()) {
            tile_.draw(canvas_, column(1), y, measured);
        } else {
            tile_.draw_empty(canvas_, column(1), y, "no image");
        }
        tile_.draw_caption(canvas_, column(1), y, decibels(given), faint_colour);
        for (std::size_t i = 0; i < block.points.size(); ++i) {
            draw_restored(row_of(rows_, block.points[i], image), column(2 + i), y, best);
        }
    }

    void draw_restored(std::int64_t row, int x, int y, double best) {
        if (row < 0) {
            tile_.draw_empty(canvas_, x, y, "missing");
            return;
        }
        const auto place = static_cast<std::size_t>(row);
        if (rows_.status[place] != static_cast<std::int64_t>(pipeline::RowStatus::done)) {
            tile_.draw_empty(canvas_, x, y, word_of_status(rows_.status[place]));
            return;
        }
        tile_.draw(canvas_, x, y, images_.restored(row));
        // The best of a row stands out by its ink.
        tile_.draw_caption(canvas_, x, y, decibels(rows_.psnr[place]),
                           rows_.psnr[place] == best ? ink_colour : faint_colour);
    }

    int draw_block(const SheetBlock& block, int y) {
        draw_title(block, y);
        y += title_height();
        draw_heading(0, y, {"truth"});
        draw_heading(1, y, {"measurement"});
        for (std::size_t i = 0; i < block.points.size(); ++i) {
            draw_heading(2 + i, y, column_heading(block.points[i].method, block.points[i].settings, tile_.width()));
        }
        y += heading_height(block);
        for (std::size_t i = 0; i < block.images.size(); ++i) {
            draw_image_row(block, block.images[i], y);
            y += row_height();
        }
        return y;
    }

    const ResultRows& rows_;
    ResultImages images_;
    Tile tile_;
    const SheetBlocks& all_;
    Canvas canvas_;
};

}  // namespace

bool write_contact_sheet(const std::filesystem::path& results, const std::filesystem::path& png, std::size_t images) {
    const ResultRows rows = read_result_rows(results);
    const SheetBlocks all = sheet_blocks(rows, images);
    // Images of several sizes make no sheet.
    if (all.blocks.empty() || ResultImages(results).height() == 0) return false;
    Sheet sheet(results, rows, all);
    sheet.draw();
    sheet.canvas().save(png);
    return true;
}

}  // namespace jobs
