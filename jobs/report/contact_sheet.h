#pragma once

#include <cstddef>
#include <filesystem>

namespace jobs {

inline constexpr std::size_t most_sheet_images = 8;

/// Draws a labelled sheet that a person can look at: a block for each operator and noise level; in it a row per image
/// (the first `images`, eight at most, sample 0), columns truth, measurement and every method, PSNR under each tile.
/// Commits a PNG.
///
/// What a sheet cannot hold (more than 12 blocks, more than 24 methods in one) is left out and counted on it.
/// @return false where the run restores nothing, so that there is no sheet to draw
/// @throws pipeline::FileError  where the results cannot be read or the picture cannot be written
bool write_contact_sheet(const std::filesystem::path& results, const std::filesystem::path& png,
                         std::size_t images = most_sheet_images);

/// Draws the generated images (64 at most) of each generating method as a grid. Commits a PNG.
/// @return false where the run generates nothing
/// @throws pipeline::FileError  as above
bool write_sample_grid(const std::filesystem::path& results, const std::filesystem::path& png);

}  // namespace jobs
