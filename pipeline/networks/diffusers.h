#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "pipeline/networks/model.h"

namespace pipeline {

/// The description that diffusers' settings give: UNet2DModel's config.json, whose absent keys have the class's
/// defaults, and the scheduler's. Mapped onto the U-Net that guided-diffusion's checkpoints use too.
///
/// @throws CheckpointError  naming file, key, value and what is allowed; another class of network or scheduler by name
ModelDescription describe_diffusers(const nlohmann::json& unet, const std::string& unet_file,
                                    const nlohmann::json& scheduler, const std::string& scheduler_file);

}  // namespace pipeline
