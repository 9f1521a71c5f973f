#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/networks/guided_diffusion.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/settings_file.h"
#include "pipeline/networks/unet_plan.h"

namespace pipeline {
namespace {

/// The objects of a settings file in which flags stand: the file itself, or `model` (or `model.unet`) and `diffusion`.
std::vector<nlohmann::json> flag_sections(const nlohmann::json& settings, const std::string& file) {
    const auto object_in = [&](const nlohmann::json& parent, const std::string& name,
                               std::vector<nlohmann::json>& sections) {
        if (!parent.contains(name)) return;
        if (!parent[name].is_object()) throw CheckpointError(file + ": '" + name + "' holds no JSON object");
        sections.push_back(parent[name]);
    };
    if (settings.contains("_class_name") || settings.contains("block_out_channels")) {
        throw CheckpointError(
            file + ": these are diffusers' settings; read are guided-diffusion's (num_channels, channel_mult, …)");
    }
    if (settings.contains("format") && settings["format"] != "guided-diffusion") {
        throw CheckpointError(file + ": format is " + readable_name(settings["format"].dump()) +
                              ", read is \"guided-diffusion\"");
    }
    if (!settings.contains("model")) {
        if (settings.contains("diffusion")) throw CheckpointError(file + ": has 'diffusion' but no 'model'");
        return {settings};
    }
    std::vector<nlohmann::json> sections;
    object_in(settings, "model", sections);
    if (sections[0].contains("unet") || sections[0].contains("diffusion")) {
        const nlohmann::json model = sections[0];
        sections.clear();
        object_in(model, "unet", sections);
        object_in(model, "diffusion", sections);
        if (!model.contains("unet")) throw CheckpointError(file + ": 'model' has 'diffusion' but no 'unet'");
    }
    object_in(settings, "diffusion", sections);
    return sections;
}

/// The multipliers that guided-diffusion takes where none are given; nothing for sizes that it has none for.
std::string default_multipliers(std::int64_t image_size) {
    const std::map<std::int64_t, std::string> by_size = {
        {64, "1,2,3,4"}, {128, "1,1,2,3,4"}, {256, "1,1,2,2,4,4"}, {512, "0.5,1,1,2,2,4,4"}};
    const auto found = by_size.find(image_size);
    return found == by_size.end() ? "" : found->second;
}

std::vector<double> read_multipliers(Flags& flags, std::int64_t image_size) {
    const std::vector<double> given = flags.numbers("channel_mult", "");
    if (!given.empty()) {
        flags.note_if_absent("channel_mult", "");
        return given;
    }
    const std::string multipliers = default_multipliers(image_size);
    if (multipliers.empty()) {
        flags.refuse("channel_mult", "not given",
                     "so only where image_size is 64, 128, 256 or 512, not " + std::to_string(image_size));
    }
    flags.note("channel_mult is not given: " + multipliers + ", guided-diffusion's for image_size " +
               std::to_string(image_size));
    return Flags("", {{{"channel_mult", multipliers}}}).numbers("channel_mult", "");
}

std::vector<int> read_factors(Flags& flags, const std::string& name) {
    std::vector<int> factors;
    for (const double factor : flags.numbers(name, "")) {
        if (factor != std::floor(factor) || factor < 1 || factor > 4096) {
            flags.refuse(name, "a list with " + std::to_string(factor), "are whole numbers 1 to 4096");
        }
        factors.push_back(static_cast<int>(factor));
    }
    return factors;
}

/// Resolutions, in pixels of the training size, to down-sampling factors.
std::vector<int> read_attention_factors(Flags& flags, std::int64_t image_size) {
    std::vector<int> factors;
    // Shapes tell by how much the image is down-sampled there, not how large it was.
    const bool has_factors = flags.has("attention_factors") || flags.has_fallback("attention_factors");
    if (!flags.has("attention_resolutions") && has_factors) {
        factors = read_factors(flags, "attention_factors");
        flags.note_if_absent("attention_factors", "");
        return factors;
    }
    flags.ignore({"attention_factors"});
    flags.note_if_absent("attention_resolutions", "\"16,8\"");
    for (const double resolution : flags.numbers("attention_resolutions", "16,8")) {
        if (resolution != std::floor(resolution) || resolution < 1 || resolution > 4096) {
            flags.refuse("attention_resolutions", "a list with " + std::to_string(resolution),
                         "are whole numbers 1 to 4096");
        }
        const auto factor = static_cast<int>(image_size / static_cast<std::int64_t>(resolution));
        // Above the image's own size there is nothing to attend to; the reference never meets factor 0 either.
        if (factor > 0) factors.push_back(factor);
    }
    std::sort(factors.begin(), factors.end());
    factors.erase(std::unique(factors.begin(), factors.end()), factors.end());
    return factors;
}

int noted_integer(Flags& flags, const std::string& name, int absent, int first, int last) {
    flags.note_if_absent(name, std::to_string(absent));
    return static_cast<int>(flags.integer(name, absent, first, last));
}

bool noted_boolean(Flags& flags, const std::string& name, bool absent) {
    flags.note_if_absent(name, absent ? "true" : "false");
    return flags.boolean(name, absent);
}

/// What guided-diffusion has one value of, by diffusers' keys.
void read_further(Flags& flags, UNetSettings& network) {
    const UNetSettings usual;
    network.norm_groups = static_cast<int>(flags.integer("norm_num_groups", usual.norm_groups, 1, 1024));
    network.norm_epsilon = flags.number("norm_eps", usual.norm_epsilon);
    network.embedding.is_sine_first = !flags.boolean("flip_sin_to_cos", true);
    network.embedding.shift = static_cast<int>(flags.integer("freq_shift", 0, 0, 1));
    network.pads_right_and_bottom = flags.integer("downsample_padding", 1, 0, 1) == 0;
    network.centers_input = flags.boolean("center_input_sample", false);
    network.has_middle_attention = flags.boolean("add_attention", true);
    if (!flags.has("attention_factors_up")) return;
    network.attention_factors_up = read_factors(flags, "attention_factors_up");
}

void read_network(Flags& flags, ModelDescription& model) {
    UNetSettings& network = model.network;
    model.image_size = noted_integer(flags, "image_size", 64, 1, 4096);
    network.in_channels = static_cast<int>(flags.integer("in_channels", 3, 1, 1024));
    if (flags.has_fallback("in_channels") && network.in_channels != 3) flags.note_if_absent("in_channels", "3");
    network.out_channels = noted_boolean(flags, "learn_sigma", false) ? 2 * network.in_channels : network.in_channels;
    network.model_channels = noted_integer(flags, "num_channels", 128, 2, 8192);
    network.res_blocks = noted_integer(flags, "num_res_blocks", 2, 1, 64);
    network.channel_multipliers = read_multipliers(flags, model.image_size);
    network.attention_factors = read_attention_factors(flags, model.image_size);

    // num_heads counts only where head_channels does not decide.
    network.head_channels = static_cast<int>(flags.integer("num_head_channels", -1, -1, 65536));
    network.heads = static_cast<int>(flags.integer("num_heads", 4, 1, 8192));
    network.heads_upsample = static_cast<int>(flags.integer("num_heads_upsample", -1, -1, 8192));
    if (network.head_channels == 0) flags.refuse("num_head_channels", "0", "are -1 and whole numbers 1 to 65536");
    if (network.heads_upsample == 0) flags.refuse("num_heads_upsample", "0", "are -1 and whole numbers 1 to 8192");
    if (network.head_channels == -1) {
        flags.note_if_absent("num_head_channels", "-1 (num_heads decides)");
        flags.note_if_absent("num_heads", "4");
    }
    network.is_new_attention_order = noted_boolean(flags, "use_new_attention_order", false);
    network.has_scale_shift_norm = noted_boolean(flags, "use_scale_shift_norm", true);
    network.has_residual_resampling = noted_boolean(flags, "resblock_updown", false);

    read_further(flags, network);

    const int classes = static_cast<int>(flags.integer("num_classes", 1000, 1, 1'000'000));
    if (flags.boolean("class_cond", false)) {
        flags.note_if_absent("num_classes", "1000");
        network.classes = classes;
    }
}

/// The ends of the schedule where they are given, or all of it.
void read_betas(Flags& flags, ModelDescription& model) {
    flags.ignore({"trained_betas", "beta_start", "beta_end"});
    if (model.schedule == "trained") {
        model.trained_betas = flags.numbers("trained_betas", "");
        if (static_cast<int>(model.trained_betas.size()) != model.timesteps) {
            flags.refuse("trained_betas", "a list of " + std::to_string(model.trained_betas.size()),
                         "is one for each of diffusion_steps, " + std::to_string(model.timesteps));
        }
        return;
    }
    if (model.schedule == "cosine" || (!flags.has("beta_start") && !flags.has("beta_end"))) {
        if (model.schedule != "linear" && model.schedule != "cosine") model.beta_range = {1e-4, 0.02};
        return;
    }
    const double first = flags.number("beta_start", 1e-4), last = flags.number("beta_end", 0.02);
    model.set_betas(first, last);
}

void read_diffusion(Flags& flags, ModelDescription& model) {
    model.timesteps = noted_integer(flags, "diffusion_steps", 1000, 1, 1'000'000);
    flags.note_if_absent("noise_schedule", "linear");
    model.schedule =
        flags.word("noise_schedule", "linear", {"linear", "cosine", "scaled_linear", "sigmoid", "trained"});
    model.rescales_timesteps = flags.boolean("rescale_timesteps", false);
    const std::string prediction = flags.word("prediction_type", "epsilon", {"epsilon", "sample", "v_prediction"});
    if (prediction == "v_prediction") model.prediction = PredictionKind::v_prediction;
    if (prediction == "sample" || flags.boolean("predict_xstart", false)) model.prediction = PredictionKind::sample;
    model.clips = flags.boolean("clip_sample", true);
    model.steps_offset = static_cast<int>(flags.integer("steps_offset", 0, 0, model.timesteps - 1));
    read_betas(flags, model);

    const bool is_small = flags.boolean("sigma_small", false);
    model.variance = is_small ? VarianceKind::fixed_small : VarianceKind::fixed_large;
    if (model.has_learned_variance()) {
        model.variance = parse_variance(
            flags.word("variance_type", "learned_range", {"fixed_small", "fixed_large", "learned_range"}));
    } else {
        flags.note_if_absent("sigma_small", "false (variance fixed_large)");
    }

    const std::string respacing = flags.text("timestep_respacing", "\"\"");
    if (respacing != "\"\"") flags.note("timestep_respacing " + respacing + " is not used: the job's steps decide");
}

/// Flags that change nothing in a trained network's output, and such as must have one value.
void read_remaining(Flags& flags) {
    flags.ignore({"dropout", "use_checkpoint", "use_fp16", "use_kl", "rescale_learned_sigmas", "model_path"});
    if (!flags.boolean("conv_resample", true)) flags.refuse("conv_resample", "false", "is true");
    flags.integer("dims", 2, 2, 2);
    if (flags.known() == 0)
        flags.refuse("none of guided-diffusion's flags", "given", "are image_size, num_channels, …");

    std::string names;
    for (const std::string& name : flags.unknown()) names += (names.empty() ? "" : ", ") + name;
    if (!names.empty()) flags.note("not known and not used: " + names);
}

}  // namespace

ModelDescription describe_guided_diffusion(const nlohmann::json& settings, const std::string& source,
                                           const std::optional<nlohmann::json>& of_shapes) {
    const std::string& file = source;
    Flags flags(file, flag_sections(settings, file));
    if (of_shapes) flags.set_fallback(*of_shapes, "the tensors' shapes");
    if (flags.has("model_channels")) {
        throw CheckpointError(
            file + ": model_channels is an argument of the network's class; read are the flags of " +
            "guided-diffusion's scripts (num_channels, channel_mult, attention_resolutions in pixels, …)");
    }

    ModelDescription model;
    model.settings_source = source;
    model.format = "guided-diffusion";
    read_network(flags, model);
    read_diffusion(flags, model);
    read_remaining(flags);
    model.notes = flags.notes();
    try {
        plan_unet(model.network);
        model.noise_schedule();
    } catch (const std::exception& error) {
        throw CheckpointError(file + ": " + error.what());
    }
    return model;
}

ModelDescription describe_guided_diffusion(const std::filesystem::path& settings_file) {
    ModelDescription model =
        describe_guided_diffusion(read_settings_file(settings_file), readable_name(settings_file.string()));
    model.settings_file = settings_file;
    return model;
}

}  // namespace pipeline
