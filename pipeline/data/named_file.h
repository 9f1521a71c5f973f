#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "pipeline/data/hdf5.h"
#include "pipeline/data/hdf5_location.h"

namespace pipeline {

// Masks and kernels of each image's own are found by the images' names, which come from files: nothing of them may lead
// out of the folder.

/// Endings of an image's own mask or kernel, in the order in which they are looked for.
inline constexpr std::initializer_list<const char*> mask_endings = {".png"};
inline constexpr std::initializer_list<const char*> kernel_endings = {".txt", ".png"};

/// photo.jpg → the first of photo.png, … that is there below the folder; `what` is for messages: "mask".
/// @throws FileError  where the name leads elsewhere or there is no such file
std::filesystem::path named_file(const std::filesystem::path& folder, const std::string& image_name,
                                 std::initializer_list<const char*> endings, const std::string& what);

/// Which of `count` rows of FILE.h5:NAME belongs to each image: the one that has its name in the dataset `image_name`
/// beside it or, where there is none, the one of its number.
/// @throws FileError  where an image has none
std::vector<std::int64_t> named_rows(const Hdf5File& file, const Hdf5Location& location, std::int64_t count,
                                     std::span<const std::string> image_names, const std::string& what);

}  // namespace pipeline
