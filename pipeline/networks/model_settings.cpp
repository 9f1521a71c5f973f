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

/// Settings of the network that guided-diffusion has one value of.
void add_further_network(nlohmann::json& flags, const UNetSettings& network) {
    const UNetSettings usual;
    if (network.attention_factors_up) flags["attention_factors_up"] = *network.attention_factors_up;
    if (!network.has_middle_attention) flags["add_attention"] = false;
    if (network.norm_groups != usual.norm_groups) flags["norm_num_groups"] = network.norm_groups;
    if (network.norm_epsilon != usual.norm_epsilon) flags["norm_eps"] = network.norm_epsilon;
    if (network.embedding.is_sine_first) flags["flip_sin_to_cos"] = false;
    if (network.embedding.shift != 0) flags["freq_shift"] = network.embedding.shift;
    if (network.pads_right_and_bottom) flags["downsample_padding"] = 0;
    if (network.centers_input) flags["center_input_sample"] = true;
}

/// Settings of the diffusion that guided-diffusion has one value of.
void add_further_diffusion(nlohmann::json& flags, const ModelDescription& model) {
    if (model.beta_range) {
        flags["beta_start"] = model.beta_range->first;
        flags["beta_end"] = model.beta_range->second;
    }
    if (!model.trained_betas.empty()) flags["trained_betas"] = model.trained_betas;
    if (model.prediction != PredictionKind::epsilon) flags["prediction_type"] = to_string(model.prediction);
    if (!model.clips) flags["clip_sample"] = false;
    if (model.steps_offset != 0) flags["steps_offset"] = model.steps_offset;
    if (model.has_learned_variance() && model.variance != VarianceKind::learned_range) {
        flags["variance_type"] = to_string(model.variance);
    }
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
    add_further_network(flags, network);
    add_further_diffusion(flags, model);
    return flags;
}

std::string settings_text(const ModelDescription& model) {
    return guided_diffusion_flags(model).dump();
}

}  // namespace pipeline
