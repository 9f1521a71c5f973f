#include <cstdio>
#include <filesystem>
#include <iostream>
#include <variant>

#include "jobs/job_error.h"
#include "pipeline/data/file_error.h"
#include "pipeline/data/hdf5.h"
#include "pipeline/data/sha256.h"
#include "pipeline/networks/model.h"
#include "workers/commands.h"
#include "workers/replica.h"
#include "workers/verdict.h"

namespace workers {

namespace {

template <class Number>
std::string list_words(const std::vector<Number>& values) {
    std::string words;
    for (const Number& value : values) {
        char text[32];
        std::snprintf(text, sizeof text, "%g", static_cast<double>(value));
        words += (words.empty() ? "" : ", ") + std::string(text);
    }
    return words;
}

void inspect_model(const std::filesystem::path& path, const std::string& preset) {
    const pipeline::ModelDescription model = pipeline::describe_model(path, preset);
    const pipeline::UNetSettings& network = model.network;
    const double flop = pipeline::forward_flop(network, model.image_size, model.image_size);
    std::cout << "weights      " << model.weights_file.string() << "\n"
              << "settings     " << model.settings_source << "\n"
              << "format       " << model.format << "\n"
              << "SHA-256      " << weights_sha256(model) << "\n"
              << "images       " << network.in_channels << "x" << model.image_size << "x" << model.image_size
              << ", sides divisible by " << network.size_multiple() << "\n"
              << "network      U-Net, " << network.model_channels << " channels times ("
              << list_words(network.channel_multipliers) << "), " << network.res_blocks << " residual blocks a level\n"
              << "attention    at down-sampling by (" << list_words(network.attention_factors) << "), "
              << (network.head_channels > 0 ? std::to_string(network.head_channels) + " channels a head"
                                            : std::to_string(network.heads) + " heads")
              << "\n"
              << "switches     scale-shift norm " << (network.has_scale_shift_norm ? "yes" : "no")
              << ", residual resampling " << (network.has_residual_resampling ? "yes" : "no") << ", attention order "
              << (network.is_new_attention_order ? "new" : "legacy") << ", classes " << network.classes << "\n"
              << "parameters   " << model.parameters << "\n";
    std::printf("forward      %.4g GFLOP an image of %d x %d\n", flop / 1e9, model.image_size, model.image_size);
    std::cout << "diffusion    " << model.timesteps << " steps, " << model.schedule << " schedule, variance "
              << pipeline::to_string(model.variance) << (model.has_learned_variance() ? " (learned)" : "")
              << ", predicts " << to_string(model.prediction)
              << (model.rescales_timesteps ? ", timesteps rescaled to 1000" : "") << "\n";
    for (const std::string& note : model.notes) std::cout << "note         " << note << "\n";
}

std::string attribute_words(const pipeline::Hdf5Attribute& value) {
    struct Words {
        std::string operator()(const std::string& text) const { return pipeline::printable(text); }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(double number) const { return list_words(std::vector<double>{number}); }
        std::string operator()(const std::vector<std::int64_t>& numbers) const { return list_words(numbers); }
        std::string operator()(const std::vector<double>& numbers) const { return list_words(numbers); }
    };
    return std::visit(Words{}, value);
}

void inspect_group(const pipeline::Hdf5File& file, const std::string& group, const std::string& indent) {
    for (const std::string& child : file.children(group)) {
        const std::string name = group == "/" ? "/" + child : group + "/" + child;
        if (file.is_group(name)) {
            std::cout << indent << pipeline::printable(child) << "/\n";
            inspect_group(file, name, indent + "  ");
            continue;
        }
        std::cout << indent << pipeline::printable(child) << " [" << list_words(file.shape(name)) << "]";
        for (const char* attribute : {"long_name", "units"}) {
            if (const auto value = file.attribute(name, attribute)) {
                std::cout << (attribute[0] == 'u' ? ", in " : "  ") << attribute_words(*value);
            }
        }
        std::cout << "\n";
    }
}

void inspect_results(const std::filesystem::path& path) {
    const pipeline::Hdf5File file = pipeline::Hdf5File::open(path);
    for (const std::string& name : file.attribute_names("/")) {
        const auto value = file.attribute("/", name);
        if (value) std::cout << pipeline::printable(name) << ": " << attribute_words(*value) << "\n";
    }
    std::cout << "\n";
    inspect_group(file, "/", "");
}

}  // namespace

int inspect_command(Arguments& arguments) {
    const std::filesystem::path path = arguments.only_word("inspect", "a checkpoint or a results.h5");
    const std::string preset = arguments.take("model-preset").value_or("");
    arguments.expect_no_options("inspect");
    const std::string extension = path.extension().string();
    try {
        if (extension == ".h5" || extension == ".hdf5") {
            inspect_results(path);
        } else {
            inspect_model(path, preset);
        }
    } catch (const pipeline::CheckpointError& error) {
        throw jobs::JobError(error.what());
    } catch (const pipeline::FileError& error) {
        throw jobs::JobError(error.what());
    } catch (const pipeline::Hdf5Error& error) {
        throw jobs::JobError(error.what());
    }
    return exit_done;
}

}  // namespace workers
