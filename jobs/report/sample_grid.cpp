#include <algorithm>
#include <string>
#include <vector>

#include "jobs/report/contact_sheet.h"
#include "jobs/report/result_images.h"
#include "jobs/report/result_points.h"
#include "jobs/report/tiles.h"
#include "pipeline/data/unit_file.h"

namespace jobs {

namespace {

constexpr std::size_t most_samples = 64;
constexpr std::size_t most_samples_a_line = 8;
constexpr int sample_gap = 4;
constexpr int grid_title_height = 30;
constexpr int grid_gap = 24;

std::size_t samples_shown(const ResultPoint& point) {
    return std::min(point.rows.size(), most_samples);
}

/// Samples a line: as near to a square as whole lines allow.
std::size_t samples_a_line(const ResultPoint& point) {
    std::size_t columns = 1;
    while (columns * columns < samples_shown(point) && columns < most_samples_a_line) ++columns;
    return columns;
}

int grid_height(const ResultPoint& point, const Tile& tile) {
    const std::size_t lines = (samples_shown(point) + samples_a_line(point) - 1) / samples_a_line(point);
    return grid_title_height + static_cast<int>(lines) * (tile.height() + sample_gap);
}

void draw_grid(Canvas& canvas, const ResultPoint& point, const ResultRows& rows, const ResultImages& images,
               const Tile& tile, int top) {
    const std::string title = point.label();
    const std::string details =
        std::to_string(rows.nfe[static_cast<std::size_t>(point.rows.front())]) + " network calls each";
    canvas.draw_text(picture_margin, top, title, Face::bold, ink_colour);
    canvas.draw_text(picture_margin + text_width(title, Face::bold) + 16, top + 3, details, Face::regular,
                     faint_colour);
    for (std::size_t i = 0; i < samples_shown(point); ++i) {
        const int x = picture_margin + static_cast<int>(i % samples_a_line(point)) * (tile.width() + sample_gap);
        const int y =
            top + grid_title_height + static_cast<int>(i / samples_a_line(point)) * (tile.height() + sample_gap);
        const std::int64_t row = point.rows[i];
        if (rows.status[static_cast<std::size_t>(row)] == static_cast<std::int64_t>(pipeline::RowStatus::done)) {
            tile.draw(canvas, x, y, images.restored(row));
        } else {
            tile.draw_empty(canvas, x, y, "diverged");
        }
    }
}

}  // namespace

bool write_sample_grid(const std::filesystem::path& results, const std::filesystem::path& png) {
    const ResultRows rows = read_result_rows(results);
    std::vector<ResultPoint> points = result_points(rows);
    std::erase_if(points, [](const ResultPoint& point) { return !point.measured.is_generation(); });
    if (points.empty()) return false;

    const ResultImages images(results);
    const Tile tile(images.height(), images.width());
    int width = 0, height = 2 * picture_margin - grid_gap;
    for (const ResultPoint& point : points) {
        // At least three tiles, so that a title has room.
        const int columns = static_cast<int>(std::max<std::size_t>(3, samples_a_line(point)));
        width = std::max(width, columns * (tile.width() + sample_gap) - sample_gap);
        height += grid_height(point, tile) + grid_gap;
    }
    Canvas canvas(width + 2 * picture_margin, height, paper_colour);
    int top = picture_margin;
    for (const ResultPoint& point : points) {
        draw_grid(canvas, point, rows, images, tile, top);
        top += grid_height(point, tile) + grid_gap;
    }
    canvas.save(png);
    return true;
}

}  // namespace jobs
