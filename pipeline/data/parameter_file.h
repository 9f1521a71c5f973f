#pragma once

#include <span>
#include <string>
#include <string_view>

#include "operators/measurement_operator.h"
#include "operators/shape.h"

namespace pipeline {

/// Reads what an operator with option `file` needs for these images.
///
/// `mask`: [1 or N, 1, H, W], float32 in {0, 1}, 1 where a pixel is observed. From
///   - a PNG (grey, or equal colours): levels of at least half (128 of 255) are observed; one mask for all images;
///   - a folder of PNG: photo.jpg of the dataset has photo.png there (sub-folders alike), one for each image;
///   - FILE.h5:NAME: 0 is removed, 1 (or 255) observed. [H, W] for all images, or [K, H, W] of which an image takes the
///     row that has its name in the dataset `image_name` beside it or, where there is none, the row of its number.
///
/// `kernel`: [kh, kw], float32, one for all images. From a text file (a row of numbers a line, separated by blanks or
/// commas, # begins a comment) or FILE.h5:NAME [kh, kw], both as they are; or from a PNG, whose levels are divided by
/// their sum. [N, 1, kh, kw], to each image its own: from a folder, in which photo.jpg has photo.txt or photo.png, with
/// zeros around those that are smaller than the folder's largest; or from FILE.h5:NAME [K, kh, kw], rows as for masks.
///
/// @param file  as in the job file, absolute
/// @throws FileError  naming the file and what is wanted;  std::invalid_argument for another parameter
operators::Parameters read_parameters(std::string_view parameter, const std::string& file,
                                      const operators::Shape& image, std::span<const std::string> image_names);

/// Looks whether each of these images has a mask or kernel where each has its own, without reading any.
/// @throws FileError  naming the first that has none
void find_parameters(std::string_view parameter, const std::string& file, std::span<const std::string> image_names);

}  // namespace pipeline
