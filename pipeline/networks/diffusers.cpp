#include "pipeline/networks/diffusers.h"

#include <cmath>
#include <exception>
#include <vector>

#include "pipeline/networks/settings_file.h"
#include "pipeline/networks/unet_plan.h"

namespace pipeline {
namespace {

/// null means what an absent key means.
nlohmann::json without_nulls(const nlohmann::json& settings) {
    nlohmann::json given = nlohmann::json::object();
    for (const auto& [key, value] : settings.items()) {
        if (!value.is_null()) given[key] = value;
    }
    return given;
}

/// m such that int(m · base) is exactly `channels`.
double multiplier(int channels, int base) {
    const double quotient = static_cast<double>(channels) / base;
    return static_cast<int>(quotient * base) == channels ? quotient : std::nextafter(quotient, 1e9);
}

std::vector<int> whole_numbers(Flags& flags, const std::string& name, const std::string& absent) {
    std::vector<int> numbers;
    for (const double number : flags.numbers(name, absent)) {
        if (number != std::floor(number) || number < 1 || number > 65536) {
            flags.refuse(name, "a list with " + std::to_string(number), "are whole numbers 1 to 65536");
        }
        numbers.push_back(static_cast<int>(number));
    }
    return numbers;
}

/// Which levels attend, by the block types of a list, in its order.
std::vector<bool> attending_levels(Flags& flags, const nlohmann::json& settings, const std::string& name,
                                   const std::string& direction, const std::vector<std::string>& absent) {
    flags.ignore({name});
    const std::string plain = direction + "Block2D", attending = "Attn" + plain;
    const nlohmann::json types = settings.contains(name) ? settings[name] : nlohmann::json(absent);
    if (!types.is_array()) flags.refuse(name, types.dump(), "is a list of " + plain + " and " + attending);
    std::vector<bool> levels;
    for (const auto& type : types) {
        if (type != plain && type != attending) flags.refuse(name, type.dump(), "are " + plain + " and " + attending);
        levels.push_back(type == attending);
    }
    return levels;
}

/// Down-sampling factors of the levels that attend, finest first.
std::vector<int> factors_of(const std::vector<bool>& levels) {
    std::vector<int> factors;
    for (std::size_t level = 0; level < levels.size(); ++level) {
        if (levels[level]) factors.push_back(1 << level);
    }
    return factors;
}

void read_blocks(Flags& flags, const nlohmann::json& settings, UNetSettings& network) {
    flags.note_if_absent("block_out_channels", "224, 448, 672, 896");
    const std::vector<int> channels = whole_numbers(flags, "block_out_channels", "224,448,672,896");
    if (channels.empty() || channels.size() > 12) {
        flags.refuse("block_out_channels", "a list of " + std::to_string(channels.size()), "are 1 to 12 numbers");
    }
    network.model_channels = channels.front();
    network.channel_multipliers.clear();
    for (const int each : channels) network.channel_multipliers.push_back(multiplier(each, channels.front()));
    network.res_blocks = static_cast<int>(flags.integer("layers_per_block", 2, 1, 64));

    const std::vector<bool> down =
        attending_levels(flags, settings, "down_block_types", "Down",
                         {"DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"});
    const std::vector<bool> up_list = attending_levels(
        flags, settings, "up_block_types", "Up", {"AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"});
    for (const auto& [name, list] : {std::pair("down_block_types", down), std::pair("up_block_types", up_list)}) {
        if (list.size() != channels.size()) {
            flags.refuse(name, "a list of " + std::to_string(list.size()),
                         "is one for each of block_out_channels, " + std::to_string(channels.size()));
        }
    }
    const std::vector<bool> up(up_list.rbegin(), up_list.rend());
    network.attention_factors = factors_of(down);
    if (up != down) network.attention_factors_up = factors_of(up);
    network.has_middle_attention = flags.boolean("add_attention", true);
}

/// attention_head_dim is the number of channels of a head; null is one head of full width. Files older than the key
/// were trained with one head.
void read_heads(Flags& flags, const nlohmann::json& settings, UNetSettings& network) {
    network.is_new_attention_order = true;
    network.heads = 1;
    network.head_channels = -1;
    flags.ignore({"attention_head_dim", "_diffusers_version"});
    const bool is_absent = !settings.contains("attention_head_dim");
    if (!is_absent && settings["attention_head_dim"].is_null()) return;
    const std::string version = flags.text("_diffusers_version", "");
    if (is_absent && version.starts_with("\"0.0.")) {
        flags.note("attention_head_dim is not given in a file of diffusers " + version +
                   ": one head, as it was trained");
        return;
    }
    flags.note_if_absent("attention_head_dim", "8");
    network.head_channels = static_cast<int>(flags.integer("attention_head_dim", 8, 1, 65536));
}

/// The side of the images it was trained on: a number, or two equal ones.
int read_sample_size(Flags& flags, const nlohmann::json& settings) {
    constexpr const char* allowed = "is a whole number 1 to 4096, the side of the images it was trained on";
    if (!flags.has("sample_size")) flags.refuse("sample_size", "not given", allowed);
    const nlohmann::json& size = settings["sample_size"];
    if (!size.is_array()) return static_cast<int>(flags.integer("sample_size", 0, 1, 4096));
    const std::vector<int> sides = whole_numbers(flags, "sample_size", "");
    if (sides.size() != 2 || sides[0] != sides[1] || sides[0] > 4096) flags.refuse("sample_size", size.dump(), allowed);
    return sides[0];
}

/// Keys that have one value here.
void read_fixed(Flags& flags, const nlohmann::json& settings, const UNetSettings& network) {
    flags.word("time_embedding_type", "positional", {"positional"});
    flags.word("mid_block_type", "UNetMidBlock2D", {"UNetMidBlock2D"});
    flags.word("downsample_type", "conv", {"conv"});
    flags.word("upsample_type", "conv", {"conv"});
    flags.word("act_fn", "silu", {"silu", "swish"});
    if (flags.number("mid_block_scale_factor", 1) != 1) {
        flags.refuse("mid_block_scale_factor", settings["mid_block_scale_factor"].dump(), "is 1");
    }
    if (flags.has("class_embed_type")) {
        flags.refuse("class_embed_type", settings["class_embed_type"].dump(), "is null: labels by num_class_embeds");
    }
    const std::int64_t groups = flags.integer("attn_norm_num_groups", network.norm_groups, 1, 1024);
    if (groups != network.norm_groups) {
        flags.refuse("attn_norm_num_groups", std::to_string(groups),
                     "is norm_num_groups, " + std::to_string(network.norm_groups));
    }
    flags.ignore({"_name_or_path", "dropout", "num_train_timesteps"});
}

void read_network(Flags& flags, const nlohmann::json& settings, ModelDescription& model) {
    UNetSettings& network = model.network;
    flags.word("_class_name", "UNet2DModel", {"UNet2DModel"});
    model.image_size = read_sample_size(flags, settings);
    network.in_channels = static_cast<int>(flags.integer("in_channels", 3, 1, 1024));
    network.out_channels = static_cast<int>(flags.integer("out_channels", 3, 1, 2048));
    if (network.out_channels != network.in_channels && network.out_channels != 2 * network.in_channels) {
        flags.refuse("out_channels", std::to_string(network.out_channels),
                     "are in_channels and, with a learned variance, twice as many");
    }
    read_blocks(flags, settings, network);
    read_heads(flags, settings, network);
    network.norm_groups = static_cast<int>(flags.integer("norm_num_groups", 32, 1, 1024));
    network.norm_epsilon = flags.number("norm_eps", 1e-5);
    network.has_scale_shift_norm =
        flags.word("resnet_time_scale_shift", "default", {"default", "scale_shift"}) == "scale_shift";
    network.pads_right_and_bottom = flags.integer("downsample_padding", 1, 0, 1) == 0;
    network.centers_input = flags.boolean("center_input_sample", false);
    network.embedding.is_sine_first = !flags.boolean("flip_sin_to_cos", true);
    network.embedding.shift = static_cast<int>(flags.integer("freq_shift", 0, 0, 1));
    network.classes = static_cast<int>(flags.integer("num_class_embeds", 0, 1, 1'000'000));
    read_fixed(flags, settings, network);
}

void read_betas(Flags& flags, const nlohmann::json& settings, ModelDescription& model) {
    model.timesteps = static_cast<int>(flags.integer("num_train_timesteps", 1000, 1, 1'000'000));
    const double first = flags.number("beta_start", 1e-4), last = flags.number("beta_end", 0.02);
    const std::string schedule =
        flags.word("beta_schedule", "linear", {"linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid"});
    flags.note_if_absent("beta_schedule", "linear");
    flags.ignore({"trained_betas"});
    if (settings.contains("trained_betas")) {
        model.trained_betas = flags.numbers("trained_betas", "");
        model.schedule = "trained";
        if (static_cast<int>(model.trained_betas.size()) != model.timesteps) {
            flags.refuse("trained_betas", "a list of " + std::to_string(model.trained_betas.size()),
                         "is one for each of num_train_timesteps, " + std::to_string(model.timesteps));
        }
        return;
    }
    model.schedule = schedule == "squaredcos_cap_v2" ? "cosine" : schedule;
    if (model.schedule != "cosine") model.set_betas(first, last);
}

VarianceKind read_variance(Flags& flags, const ModelDescription& model) {
    const std::string variance =
        flags.word("variance_type", "fixed_small", {"fixed_small", "fixed_small_log", "fixed_large", "learned_range"});
    if (variance == "fixed_large") return VarianceKind::fixed_large;
    if (variance != "learned_range") return VarianceKind::fixed_small;
    if (!model.has_learned_variance()) {
        flags.refuse("variance_type", "\"learned_range\"", "so only with out_channels twice in_channels");
    }
    return VarianceKind::learned_range;
}

void read_scheduler(Flags& flags, const nlohmann::json& settings, ModelDescription& model) {
    flags.word("_class_name", "DDPMScheduler", {"DDPMScheduler", "DDIMScheduler", "PNDMScheduler"});
    read_betas(flags, settings, model);
    const std::string prediction = flags.word("prediction_type", "epsilon", {"epsilon", "sample", "v_prediction"});
    if (prediction == "sample") model.prediction = PredictionKind::sample;
    if (prediction == "v_prediction") model.prediction = PredictionKind::v_prediction;
    model.variance = read_variance(flags, model);
    model.clips = flags.boolean("clip_sample", true);
    const double range = flags.number("clip_sample_range", 1.0);
    if (model.clips && range != 1.0) flags.refuse("clip_sample_range", nlohmann::json(range).dump(), "is 1");
    model.steps_offset = static_cast<int>(flags.integer("steps_offset", 0, 0, model.timesteps - 1));

    for (const char* switch_name : {"thresholding", "rescale_betas_zero_snr"}) {
        if (flags.boolean(switch_name, false)) flags.refuse(switch_name, "true", "is false");
    }
    if (flags.has("timestep_spacing")) {
        flags.note("timestep_spacing " + flags.text("timestep_spacing", "") +
                   " is not used: the job's steps and respacing decide");
    }
    flags.ignore({"_diffusers_version", "dynamic_thresholding_ratio", "sample_max_value", "set_alpha_to_one",
                  "skip_prk_steps", "tensor_format"});
}

void note_unknown(Flags& flags) {
    std::string names;
    for (const std::string& name : flags.unknown()) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) flags.note("not known and not used: " + names);
}

}  // namespace

ModelDescription describe_diffusers(const nlohmann::json& unet, const std::string& unet_file,
                                    const nlohmann::json& scheduler, const std::string& scheduler_file) {
    ModelDescription model;
    model.format = "diffusers";
    model.settings_source = unet_file;

    Flags network_flags(unet_file, {without_nulls(unet)});
    network_flags.set_family("UNet2DModel's");
    read_network(network_flags, unet, model);
    note_unknown(network_flags);

    Flags scheduler_flags(scheduler_file, {without_nulls(scheduler)});
    scheduler_flags.set_family("diffusers'");
    read_scheduler(scheduler_flags, without_nulls(scheduler), model);
    note_unknown(scheduler_flags);

    model.notes = network_flags.notes();
    model.notes.insert(model.notes.end(), scheduler_flags.notes().begin(), scheduler_flags.notes().end());
    try {
        plan_unet(model.network);
        model.noise_schedule();
    } catch (const std::exception& error) {
        throw CheckpointError(unet_file + ": " + error.what());
    }
    return model;
}

}  // namespace pipeline
