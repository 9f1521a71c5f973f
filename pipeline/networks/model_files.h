#pragma once

#include <filesystem>

namespace pipeline {

/// The two files of a checkpoint.
struct ModelFiles {
    std::filesystem::path weights;
    std::filesystem::path settings;
};

/// Finds them: a folder holds model.safetensors and config.json; a .safetensors file has NAME.json beside it, or else
/// config.json in the same folder.
/// @throws CheckpointError  saying which names were looked for; for a pickle, how to convert it
ModelFiles find_model_files(const std::filesystem::path& path);

}  // namespace pipeline
