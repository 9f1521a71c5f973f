#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace pipeline {

/// The files of a checkpoint.
struct ModelFiles {
    std::filesystem::path weights;              ///< Or the index of a sharded checkpoint.
    std::vector<std::filesystem::path> shards;  ///< The files that the index names; empty otherwise.
    std::filesystem::path settings;             ///< Empty where there are none.
    std::filesystem::path scheduler;            ///< Of a diffusers folder; empty otherwise.
    std::string looked_for;                     ///< Names of settings files, for messages.
};

/// Finds them. A file may have NAME.json beside it, or else config.json in the same folder. A folder holds
/// model.safetensors and config.json; or, as diffusers saves it, config.json with diffusion_pytorch_model.safetensors,
/// its index.json with shards, or .bin, in the folder itself with scheduler_config.json, or in unet/ and scheduler/.
/// @throws CheckpointError  saying which names were looked for
ModelFiles find_model_files(const std::filesystem::path& path);

}  // namespace pipeline
