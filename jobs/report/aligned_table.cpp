#include "jobs/report/aligned_table.h"

#include <algorithm>

namespace jobs {

namespace {

/// Characters, not bytes: "±" takes one place.
std::size_t shown_width(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string aligned(const std::vector<TableCells>& lines) {
    std::vector<std::size_t> widths(lines.front().size(), 0);
    for (const TableCells& cells : lines) {
        for (std::size_t column = 0; column < cells.size(); ++column) {
            widths[column] = std::max(widths[column], shown_width(cells[column]));
        }
    }
    std::string text;
    for (const TableCells& cells : lines) {
        std::string line;
        for (std::size_t column = 0; column < cells.size(); ++column) {
            const std::string blanks(widths[column] - shown_width(cells[column]), ' ');
            line += column == 0 ? "" : "  ";
            line += column < 3 ? cells[column] + blanks : blanks + cells[column];
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

}  // namespace jobs
