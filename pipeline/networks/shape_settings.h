#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "pipeline/networks/tensor_file.h"

namespace pipeline {

/// The flags of guided-diffusion that the names and shapes of a U-Net's tensors tell, by guided-diffusion's names, and
/// `attention_factors` (down-sampling factors, since the training size is not told): the width from the timestep
/// embedding, levels and blocks from the way up, where every level ends with an up-sampler.
///
/// Not told: image_size, the heads, the attention order, the schedule.
/// @return nothing where the names are none of guided-diffusion's
std::optional<nlohmann::json> settings_of_shapes(const TensorHeaders& headers);

/// "num_channels 128, num_res_blocks 1, …"
std::string shown_settings(const nlohmann::json& settings);

}  // namespace pipeline
