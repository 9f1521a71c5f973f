#pragma once

#include <filesystem>
#include <string>

namespace pipeline {

/// The two files of a checkpoint.
struct ModelFiles {
    std::filesystem::path weights;
    std::filesystem::path settings;  ///< Empty where there are none.
    std::string looked_for;          ///< Names of settings files, for messages.
};

/// Finds them: a folder holds model.safetensors and config.json; a file may have NAME.json beside it, or else
/// config.json in the same folder.
/// @throws CheckpointError  saying which names were looked for
ModelFiles find_model_files(const std::filesystem::path& path);

}  // namespace pipeline
