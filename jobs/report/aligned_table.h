#pragma once

#include <string>
#include <vector>

namespace jobs {

using TableCells = std::vector<std::string>;

/// Lines of cells in columns, the first three to the left, the others to the right; an empty line stays empty.
std::string aligned(const std::vector<TableCells>& lines);

}  // namespace jobs
