#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/networks/checkpoint_file.h"
#include "pipeline/networks/diffusers.h"
#include "pipeline/networks/diffusers_names.h"
#include "pipeline/networks/guided_diffusion.h"
#include "pipeline/networks/model.h"
#include "pipeline/networks/model_files.h"
#include "pipeline/networks/model_presets.h"
#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/settings_file.h"
#include "pipeline/networks/shape_settings.h"

namespace pipeline {
namespace {

ModelDescription describe_preset(const ModelPreset& preset) {
    return describe_guided_diffusion(nlohmann::json::parse(preset.flags), "preset " + std::string(preset.name));
}

[[noreturn]] void ask_for_settings(const ModelFiles& files, const std::optional<nlohmann::json>& of_shapes) {
    std::string message =
        readable_name(files.weights.string()) + ": no settings: looked for " + files.looked_for + " beside it";
    if (of_shapes) {
        message += "; the shapes tell " + shown_settings(*of_shapes) +
                   ", and not the image size, the heads, the attention order and the schedule";
    }
    throw CheckpointError(message + "; give model-preset (" + preset_names() + ") or such a file");
}

/// The settings from where they stand: the preset asked for, the file, the preset of the file's name.
ModelDescription describe_settings(const ModelFiles& files, const std::string& preset,
                                   const std::optional<nlohmann::json>& of_shapes) {
    if (!preset.empty()) {
        const ModelPreset* found = find_model_preset(preset);
        if (found == nullptr) {
            throw CheckpointError("model-preset: '" + readable_name(preset) + "' is none, allowed are " +
                                  preset_names());
        }
        return describe_preset(*found);
    }
    if (!files.settings.empty()) {
        ModelDescription model = describe_guided_diffusion(read_settings_file(files.settings),
                                                           readable_name(files.settings.string()), of_shapes);
        model.settings_file = files.settings;
        return model;
    }
    if (const ModelPreset* found = preset_of_file_name(files.weights.filename().string())) {
        ModelDescription model = describe_preset(*found);
        model.notes.insert(model.notes.begin(), "no settings beside the file: taken from preset " +
                                                    std::string(found->name) + ", by the file's name");
        return model;
    }
    ask_for_settings(files, of_shapes);
}

std::int64_t count_parameters(const std::map<std::string, std::vector<std::int64_t>>& shapes) {
    std::int64_t parameters = 0;
    for (const auto& [name, shape] : shapes) {
        std::int64_t count = 1;
        for (const std::int64_t size : shape) count *= size;
        parameters += count;
    }
    return parameters;
}

ModelDescription describe_diffusers_folder(const ModelFiles& files, const std::string& preset) {
    if (!preset.empty()) {
        throw CheckpointError("model-preset: " + readable_name(preset) +
                              " beside a diffusers folder, whose own settings hold; allowed: none");
    }
    ModelDescription model =
        describe_diffusers(read_settings_file(files.settings), readable_name(files.settings.string()),
                           read_settings_file(files.scheduler), readable_name(files.scheduler.string()));
    model.settings_file = files.settings;
    model.weights_file = files.weights;
    model.shards = files.shards;

    TensorHeaders headers;
    for (const std::filesystem::path& file : model.files()) {
        for (const auto& [name, header] : read_checkpoint_headers(file, &model.notes)) {
            if (headers.emplace(name, header).second) continue;
            throw CheckpointError(readable_name(file.string()) + ": " + readable_name(name) +
                                  " is in another shard too");
        }
    }
    const auto wanted = diffusers_shapes(model.network);
    check_parameters(readable_name(files.weights.string()), wanted, with_todays_names(std::move(headers)));
    model.parameters = count_parameters(wanted);
    return model;
}

}  // namespace

ModelDescription describe_model(const std::filesystem::path& path, const std::string& preset) {
    const ModelFiles files = find_model_files(path);
    if (!files.scheduler.empty()) return describe_diffusers_folder(files, preset);
    std::vector<std::string> notes;
    const TensorHeaders headers = read_checkpoint_headers(files.weights, &notes);
    const std::optional<nlohmann::json> of_shapes = settings_of_shapes(headers);

    ModelDescription model = describe_settings(files, preset, of_shapes);
    model.weights_file = files.weights;
    model.notes.insert(model.notes.end(), notes.begin(), notes.end());

    // Names and shapes, strictly, from the header alone
    const auto wanted = parameter_shapes(model.network);
    try {
        check_parameters(readable_name(files.weights.string()), wanted, headers);
    } catch (const CheckpointError& error) {
        const std::string hint = of_shapes ? "; the shapes suggest " + shown_settings(*of_shapes) : "";
        throw CheckpointError(error.what() + (" (" + model.settings_source + ")") + hint);
    }
    model.parameters = count_parameters(wanted);
    return model;
}

}  // namespace pipeline
