#pragma once

#include <filesystem>
#include <string>

#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"

namespace pipeline {

/// Runs `action`, with HDF5's errors as errors of this file: what a reader of whole files throws, whatever lies below.
template <typename Action>
auto as_file_error(const std::filesystem::path& path, Action&& action) -> decltype(action()) {
    try {
        return action();
    } catch (const Hdf5Error& error) {
        // An Hdf5Error begins with the file's name already.
        std::string reason = error.what();
        const std::string prefix = printable(path.string()) + ": ";
        if (reason.starts_with(prefix)) reason.erase(0, prefix.size());
        throw FileError(path, reason);
    }
}

}  // namespace pipeline
