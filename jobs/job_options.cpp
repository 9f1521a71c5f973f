#include "jobs/job_options.h"

#include <algorithm>
#include <array>

#include "jobs/job.h"
#include "jobs/suggestion.h"
#include "operators/make_operator.h"
#include "pipeline/data/file_error.h"
#include "pipeline/networks/model_presets.h"
#include "pipeline/samplers/make_sampler.h"

namespace jobs {

namespace {

using operators::Option;
using operators::OptionType;

constexpr std::array own_options = {
    Option{.name = "dataset",
           .type = OptionType::path,
           .default_text = {},
           .help = "Folder of PNG and JPEG, or FILE.h5:NAME; not needed where every method generates."},
    Option{.name = "measurements",
           .type = OptionType::path,
           .default_text = {},
           .help =
               "Damaged images to restore, in place of dataset: a folder of PNG and JPEG, or FILE.h5:NAME. Each keeps "
               "its size; nothing is known of the truth."},
    Option{.name = "images",
           .type = OptionType::word,
           .default_text = {},
           .help = "first-last, counted from 0: which images of the dataset; all of them by default."},
    Option{.name = "model",
           .type = OptionType::path,
           .default_text = {},
           .help = "A .safetensors or .pt file with its settings beside it, or a folder with model.safetensors and "
                   "config.json."},
    Option{.name = "model-preset",
           .type = OptionType::word,
           .default_text = {},
           .words = pipeline::model_preset_words,
           .help = "Published settings for a checkpoint that comes without them; by default the file beside the "
                   "weights, or the preset of the published file's name."},
    Option{.name = "image-size",
           .type = OptionType::word,
           .default_text = {},
           .unit = "pixels",
           .help = "Side, or HxW: images are resized and centre-cropped to it; the checkpoint's by default."},
    Option{.name = "seed",
           .type = OptionType::word,
           .default_text = "0",
           .help = "0 to 2^64-1. All noise follows from it; 0 is a seed like any other."},
    Option{.name = "method",
           .type = OptionType::word,
           .default_text = {},
           .is_axis = true,
           .help = "What restores or generates; see `diffinv list methods`."},
    Option{.name = "operator",
           .type = OptionType::word,
           .default_text = {},
           .is_axis = true,
           .help = "What damages the images; see `diffinv list operators`."},
    Option{.name = "sigma-y",
           .type = OptionType::real,
           .default_text = "0.05",
           .minimum = 0,
           .is_axis = true,
           .words = "estimate",
           .help =
               "Standard deviation of the measurement's noise, on the [-1, 1] scale; estimate: each measured image's "
               "own, by its finest detail (with measurements)."},
    Option{.name = "steps",
           .type = OptionType::integer,
           .default_text = {},
           .minimum = 1,
           .maximum = 999999,
           .is_axis = true,
           .unit = "timesteps",
           .help = "Timesteps kept of the checkpoint's chain, evenly; all T by default."},
    Option{.name = "respacing",
           .type = OptionType::word,
           .default_text = {},
           .help = "Which timesteps are kept: ddim50 (one stride), 10+15+20 (so many in equal sections), leading50, "
                   "leading50+1, linspace50, trailing50 (diffusers' spacings), quadratic50. Excludes steps.",
           .paper = "Nichol & Dhariwal 2021, section 4; Song et al. 2021 (DDIM), appendix D.2"},
    Option{.name = "variance",
           .type = OptionType::word,
           .default_text = {},
           .words = "fixed_small|fixed_large|learned_range",
           .help = "Variance of an ancestral step; the checkpoint's own by default.",
           .paper = "Ho et al. 2020, section 3.2; Nichol & Dhariwal 2021, eq. 15"},
    Option{.name = "class",
           .type = OptionType::integer,
           .default_text = {},
           .minimum = 0,
           .maximum = 999'999,
           .words = "dataset",
           .help = "What a class-conditional network is asked for: a class, counted from 0, or the images' own: the "
                   "subfolder in order of names, or the column `labels` beside an HDF5 dataset.",
           .paper = "Dhariwal & Nichol 2021, section 4.1"},
    Option{.name = "clip",
           .type = OptionType::boolean,
           .default_text = {},
           .help = "Clamp x0_hat to [-1, 1] at every step; by default as the checkpoint says, else yes."},
    Option{.name = "noise",
           .type = OptionType::word,
           .default_text = "gaussian",
           .words = "gaussian|poisson",
           .help = "Kind of measurement noise: gaussian of sigma-y, or the photon noise of poisson-rate."},
    Option{.name = "poisson-rate",
           .type = OptionType::real,
           .default_text = "1",
           .minimum = 0.001,
           .maximum = 1000,
           .help = "With noise = poisson: photons for one of 255 levels; the lower, the noisier.",
           .paper = "Chung et al. 2023 (DPS), section 4: 1.0"},
    Option{.name = "noise-on-unobserved",
           .type = OptionType::boolean,
           .default_text = "yes",
           .help = "Removed pixels carry noise too, as in the DPS reference."},
    Option{.name = "samples",
           .type = OptionType::integer,
           .default_text = "1",
           .minimum = 1,
           .maximum = 999999999,
           .help = "Posterior samples a measurement; images made, where the method generates."},
    Option{.name = "batch",
           .type = OptionType::integer,
           .default_text = "8",
           .minimum = 1,
           .maximum = 65536,
           .words = "auto",
           .help = "Images a unit; auto: as many as the GPU takes, at most 64, found while planning. Part of the plan, "
                   "never taken from the number of workers."},
    Option{.name = "threads",
           .type = OptionType::integer,
           .default_text = "1",
           .minimum = 1,
           .maximum = 1024,
           .help = "Threads a worker. Part of the plan."},
    Option{.name = "device",
           .type = OptionType::word,
           .default_text = "auto",
           .words = "auto|cpu|cuda",
           .help = "Where networks run; auto takes a GPU where there is one."},
    Option{.name = "precision",
           .type = OptionType::word,
           .default_text = "float32",
           .words = "float32|tf32|bfloat16",
           .help = "Arithmetic of the network; tf32 and bfloat16 are for GPUs."},
    Option{.name = "lpips",
           .type = OptionType::path,
           .default_text = "embedded",
           .words = "embedded|none",
           .help = "Weights of LPIPS: embedded (net alex), none, or a safetensors file."},
    Option{.name = "store",
           .type = OptionType::word,
           .default_text = "float32",
           .words = "float32|uint8",
           .help = "How restored images are kept: float32, or uint8 to save space."},
};

constexpr std::array own_section_options = {
    Option{.name = "operator",
           .type = OptionType::word,
           .default_text = {},
           .is_axis = true,
           .help = "Operators for this method alone, in place of the job's."},
    Option{.name = "sigma-y",
           .type = OptionType::real,
           .default_text = {},
           .minimum = 0,
           .is_axis = true,
           .words = "estimate",
           .help = "Noise levels for this method alone."},
    Option{.name = "steps",
           .type = OptionType::integer,
           .default_text = {},
           .minimum = 1,
           .maximum = 999999,
           .is_axis = true,
           .unit = "timesteps",
           .help = "Timesteps kept, for this method alone."},
    Option{.name = "samples",
           .type = OptionType::integer,
           .default_text = {},
           .minimum = 1,
           .maximum = 999999999,
           .help = "Samples, for this method alone."},
    Option{.name = "variance",
           .type = OptionType::word,
           .default_text = {},
           .words = "fixed_small|fixed_large|learned_range",
           .help = "Variance, for this method alone."},
};

std::vector<NamedOption> gathered_options() {
    std::vector<NamedOption> all;
    for (const Option& option : own_options) all.push_back({std::string(option.name), {}, option});
    const auto add = [&all](std::string_view section, const Option& option) {
        all.push_back({std::string(section) + "." + std::string(option.name), std::string(section), option});
    };
    for (const pipeline::MethodEntry& method : pipeline::method_table()) {
        for (const Option& option : method.options) add(method.name, option);
        for (const Option& option : own_section_options) {
            const bool is_of_measurements = option.name == "operator" || option.name == "sigma-y";
            if (!is_of_measurements || method.input != pipeline::MethodInput::nothing) add(method.name, option);
        }
    }
    for (const operators::OperatorEntry& entry : operators::operator_table()) {
        for (const Option& option : entry.options) add(entry.name, option);
    }
    return all;
}

}  // namespace

std::span<const operators::Option> job_options() {
    return own_options;
}
std::span<const operators::Option> section_options() {
    return own_section_options;
}

const std::vector<NamedOption>& all_options() {
    static const std::vector<NamedOption> all = gathered_options();
    return all;
}

const NamedOption* find_option(std::string_view name) {
    const auto found = std::ranges::find(all_options(), name, &NamedOption::name);
    return found == all_options().end() ? nullptr : &*found;
}

std::string unknown_option(std::string_view name) {
    const std::size_t dot = name.find('.');
    const std::string section(dot == std::string_view::npos ? "" : name.substr(0, dot));
    std::vector<std::string> names;
    std::string allowed;
    for (const NamedOption& option : all_options()) {
        names.push_back(option.name);
        if (option.section == section) allowed += (allowed.empty() ? "" : ", ") + std::string(option.option.name);
    }
    std::string text = "unrecognised option '" + pipeline::printable(name) + "'" + suggestion(name, names);
    if (allowed.empty()) return text + "; allowed: " + section_names();
    return text + (section.empty() ? "; allowed: " : "; allowed in [" + section + "]: ") + allowed;
}

std::string section_names() {
    std::string names;
    std::string_view last;
    for (const NamedOption& option : all_options()) {
        if (option.section.empty() || option.section == last) continue;
        names += (names.empty() ? "sections " : ", ") + option.section;
        last = option.section;
    }
    return names;
}

}  // namespace jobs
