#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/networks/unet.h"

namespace pipeline {

/// The tensors of diffusers' UNet2DModel of which one parameter of ours is made: one, or q, k and v in this order.
using DiffusersNames = std::map<std::string, std::vector<std::string>>;

/// For every name of `parameter_shapes` its names in diffusers.
DiffusersNames diffusers_names(const UNetSettings& settings);

/// The names and shapes that a diffusers file of these settings holds, attention in today's spelling (to_q, …, [C, C]).
std::map<std::string, std::vector<std::int64_t>> diffusers_shapes(const UNetSettings& settings);

/// Headers in today's spelling: query, key, value and proj_attn renamed, weights [C, C, 1, 1] of attention squeezed.
TensorHeaders with_todays_names(TensorHeaders headers);

/// The tensors of a diffusers file as those of our U-Net: renamed, q, k and v joined.
/// @throws CheckpointError
TensorMap from_diffusers(const TensorMap& tensors, const UNetSettings& settings, const std::string& file);

}  // namespace pipeline
