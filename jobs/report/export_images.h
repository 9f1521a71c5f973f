#pragma once

#include <cstdint>
#include <filesystem>

#include "jobs/campaign.h"

namespace jobs {

struct ExportResult {
    std::int64_t images = 0;    ///< Files written.
    std::int64_t left_out = 0;  ///< Rows that diverged or could not be read.
};

/// Writes the images of a run's results.h5 as PNG. Measured images are mirrored: what was restored from album/photo.png
/// is
///
///     FOLDER/album/photo.png
///
/// of the same size, bits a channel and number of channels; from photo.jpg it is photo.png, or photo.jpg.png where
/// there is a photo.png too. Where the job has several configurations, each has a folder METHOD/OPERATOR-SIGMA below
/// FOLDER, whatever has been merged so far.
///
/// Of a run whose truth is known, for the field's own tools (FID, KID, notebooks), 8-bit PNG:
///
///     FOLDER/truth/NAME.png
///     FOLDER/METHOD/OPERATOR-SIGMA/NAME.png      one folder for each line of the table; samples after the first as
///                                                NAME.sample-K.png; generated images as METHOD/sample-K.png
///
/// NAME is the image's name in its dataset, its folders kept, without the ending .png. Nothing is written outside
/// FOLDER whatever names a results file holds, nothing is overwritten, and what is refused is refused before the first
/// file.
/// @throws pipeline::FileError  where the results cannot be read, a name is none of a file, two images have
///     the same place, or a file exists
ExportResult export_images(const Campaign& campaign, const std::filesystem::path& folder);

}  // namespace jobs
