#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pipeline {

/// The settings of a published checkpoint whose file comes without them.
struct ModelPreset {
    std::string_view name;
    std::string_view file_names;  ///< Under which it is published, separated by spaces.
    std::string_view flags;       ///< guided-diffusion's, as JSON.
    std::string_view source;      ///< Where the flags are published.
};

std::span<const ModelPreset> model_presets();

/// Their names as a table of options wants them.
inline constexpr std::string_view model_preset_words =
    "ffhq_10m|imagenet256|lsun|imagenet64_classes|imagenet128_classes|imagenet256_classes|imagenet512_classes";

/// nullptr where there is none of that name.
const ModelPreset* find_model_preset(std::string_view name);

/// The preset of the checkpoint that is published under this file name; nullptr where there is none.
const ModelPreset* preset_of_file_name(std::string_view file_name);

/// "ffhq_10m, imagenet256, …"
std::string preset_names();

}  // namespace pipeline
