#include "pipeline/networks/model_presets.h"

#include <algorithm>

namespace pipeline {
namespace {

constexpr std::string_view dps_source = "DPS2022/diffusion-posterior-sampling, configs/model_config.yaml";
constexpr std::string_view imagenet_source = "DPS2022/diffusion-posterior-sampling, configs/imagenet_model_config.yaml";
constexpr std::string_view openai_source = "openai/guided-diffusion, README.md, the flags of its models";

constexpr ModelPreset presets[] = {
    {"ffhq_10m", "ffhq_10m.pt",
     R"({"image_size": 256, "num_channels": 128, "num_res_blocks": 1, "channel_mult": "1,1,2,2,4,4",
         "attention_resolutions": "16", "num_heads": 4, "num_head_channels": 64, "learn_sigma": true,
         "class_cond": false, "use_scale_shift_norm": true, "resblock_updown": true, "use_new_attention_order": false,
         "diffusion_steps": 1000, "noise_schedule": "linear"})",
     dps_source},
    {"imagenet256", "imagenet256.pt 256x256_diffusion_uncond.pt",
     R"({"image_size": 256, "num_channels": 256, "num_res_blocks": 2, "channel_mult": "1,1,2,2,4,4",
         "attention_resolutions": "32,16,8", "num_heads": 4, "num_head_channels": 64, "learn_sigma": true,
         "class_cond": false, "use_scale_shift_norm": true, "resblock_updown": true, "use_new_attention_order": false,
         "diffusion_steps": 1000, "noise_schedule": "linear"})",
     imagenet_source},
    {"lsun", "lsun_bedroom.pt lsun_cat.pt lsun_horse.pt lsun_horse_nodropout.pt",
     R"({"image_size": 256, "num_channels": 256, "num_res_blocks": 2, "channel_mult": "1,1,2,2,4,4",
         "attention_resolutions": "32,16,8", "num_heads": 4, "num_head_channels": 64, "learn_sigma": true,
         "class_cond": false, "use_scale_shift_norm": true, "resblock_updown": true, "use_new_attention_order": false,
         "diffusion_steps": 1000, "noise_schedule": "linear"})",
     openai_source},
    {"imagenet64_classes", "64x64_diffusion.pt",
     R"({"image_size": 64, "num_channels": 192, "num_res_blocks": 3, "channel_mult": "1,2,3,4",
         "attention_resolutions": "32,16,8", "num_heads": 4, "num_head_channels": 64, "learn_sigma": true,
         "class_cond": true, "num_classes": 1000, "use_scale_shift_norm": true, "resblock_updown": true,
         "use_new_attention_order": true, "diffusion_steps": 1000, "noise_schedule": "cosine"})",
     openai_source},
    {"imagenet128_classes", "128x128_diffusion.pt",
     R"({"image_size": 128, "num_channels": 256, "num_res_blocks": 2, "channel_mult": "1,1,2,3,4",
         "attention_resolutions": "32,16,8", "num_heads": 4, "num_head_channels": -1, "learn_sigma": true,
         "class_cond": true, "num_classes": 1000, "use_scale_shift_norm": true, "resblock_updown": true,
         "use_new_attention_order": false, "diffusion_steps": 1000, "noise_schedule": "linear"})",
     openai_source},
    {"imagenet256_classes", "256x256_diffusion.pt",
     R"({"image_size": 256, "num_channels": 256, "num_res_blocks": 2, "channel_mult": "1,1,2,2,4,4",
         "attention_resolutions": "32,16,8", "num_heads": 4, "num_head_channels": 64, "learn_sigma": true,
         "class_cond": true, "num_classes": 1000, "use_scale_shift_norm": true, "resblock_updown": true,
         "use_new_attention_order": false, "diffusion_steps": 1000, "noise_schedule": "linear"})",
     openai_source},
    {"imagenet512_classes", "512x512_diffusion.pt",
     R"({"image_size": 512, "num_channels": 256, "num_res_blocks": 2, "channel_mult": "0.5,1,1,2,2,4,4",
         "attention_resolutions": "32,16,8", "num_heads": 4, "num_head_channels": 64, "learn_sigma": true,
         "class_cond": true, "num_classes": 1000, "use_scale_shift_norm": true, "resblock_updown": true,
         "use_new_attention_order": false, "diffusion_steps": 1000, "noise_schedule": "linear"})",
     openai_source},
};

bool has_word(std::string_view words, std::string_view wanted) {
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(' '), words.size());
        if (words.substr(0, end) == wanted) return true;
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

}  // namespace

std::span<const ModelPreset> model_presets() {
    return presets;
}

const ModelPreset* find_model_preset(std::string_view name) {
    const auto* found = std::ranges::find(presets, name, &ModelPreset::name);
    return found == std::end(presets) ? nullptr : found;
}

const ModelPreset* preset_of_file_name(std::string_view file_name) {
    const auto* found = std::ranges::find_if(
        presets, [&](const ModelPreset& preset) { return has_word(preset.file_names, file_name); });
    return found == std::end(presets) ? nullptr : found;
}

std::string preset_names() {
    std::string names;
    for (const ModelPreset& preset : presets) names += (names.empty() ? "" : ", ") + std::string(preset.name);
    return names;
}

}  // namespace pipeline
