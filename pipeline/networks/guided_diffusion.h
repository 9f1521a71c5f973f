#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "pipeline/networks/model.h"

namespace pipeline {

/// The description that guided-diffusion's flags give, without weights.
///
/// @param settings   a flat object of flags, or nested under `model` (or `model.unet`) and `diffusion`
/// @param source     of the settings, for messages: a file, "preset ffhq_10m"
/// @param of_shapes  what the tensors tell, for flags that are not given; see settings_of_shapes
/// @throws CheckpointError  naming source, flag, value and what is allowed
ModelDescription describe_guided_diffusion(const nlohmann::json& settings, const std::string& source,
                                           const std::optional<nlohmann::json>& of_shapes = std::nullopt);

/// The settings as a flat file of guided-diffusion's flags. What guided-diffusion has one value of, and this checkpoint
/// another, goes by diffusers' key for it (norm_eps, flip_sin_to_cos, …), which describe_guided_diffusion reads too.
nlohmann::json guided_diffusion_flags(const ModelDescription& model);

}  // namespace pipeline
