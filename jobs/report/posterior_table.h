#pragma once

#include <filesystem>
#include <string>

namespace jobs {

/// What several samples of an image say together, a line for each point of the sweep: metrics of their mean, their
/// spread, and the share of the truth inside their 50, 90 and 95 % intervals, as means over images. Empty where a
/// results file has no `posterior`.
/// @throws pipeline::FileError  where the file is not one that `merge` wrote
std::string posterior_table(const std::filesystem::path& results);

}  // namespace jobs
