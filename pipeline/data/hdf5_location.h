#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace pipeline {

/// FILE.h5:NAME as given by a user.
struct Hdf5Location {
    std::filesystem::path file;
    std::string name;
};

/// Splits at the last colon that leaves an existing file before it and a name behind it; nothing where there is none.
std::optional<Hdf5Location> split_hdf5_location(const std::string& location);

/// True for an existing file that begins with HDF5's signature.
bool is_hdf5_file(const std::filesystem::path& path);

/// The datasets of a file, "'images', 'rows/psnr'", for messages; the first ten.
std::string list_hdf5_datasets(const std::filesystem::path& path);

}  // namespace pipeline
