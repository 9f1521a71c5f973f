// A description's settings written down again as guided-diffusion's flags.
#include "pipeline/networks/guided_diffusion.h"

namespace pipeline {
namespace {

/// Resolutions in pixels of the training size, where that says the same; else the factors themselves.
void add_attention(nlohmann::json& flags, const ModelDescription& model) {
    nlohmann::json resolutions = nlohmann::json::array();
    for (const int factor : model.network.attention_factors) {
        const int resolution = model.image_size / factor;
        if (resolution < 1 || model.image_size / resolution != factor) {
            flags["attention_factors"] = model.network.attention_factors;
            return;
        }
        resolutions.push_back(resolution);
    }
    flags["attention_resolutions"] = resolutions;
}

}  // namespace

nlohmann::json guided_diffusion_flags(const ModelDescription& model) {
    const UNetSettings& network = model.network;
    nlohmann::json flags = {{"image_size", model.image_size},
                            {"in_channels", network.in_channels},
                            {"learn_sigma", model.has_learned_variance()},
                            {"num_channels", network.model_channels},
                            {"num_res_blocks", network.res_blocks},
                            {"channel_mult", network.channel_multipliers},
                            {"num_heads", network.heads},
                            {"num_head_channels", network.head_channels},
                            {"num_heads_upsample", network.heads_upsample},
                            {"use_new_attention_order", network.is_new_attention_order},
                            {"use_scale_shift_norm", network.has_scale_shift_norm},
                            {"resblock_updown", network.has_residual_resampling},
                            {"class_cond", network.classes > 0},
                            {"diffusion_steps", model.timesteps},
                            {"noise_schedule", model.schedule},
                            {"rescale_timesteps", model.rescales_timesteps},
                            {"sigma_small", model.variance == VarianceKind::fixed_small}};
    if (network.classes > 0) flags["num_classes"] = network.classes;
    add_attention(flags, model);
    return flags;
}

std::string settings_text(const ModelDescription& model) {
    return guided_diffusion_flags(model).dump();
}

}  // namespace pipeline
