#include "pipeline/networks/model_files.h"

#include <set>
#include <system_error>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/settings_file.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

bool is_file(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error);
}

/// The files that a sharded checkpoint's index names: plain names in the same folder.
std::vector<std::filesystem::path> shards_of(const std::filesystem::path& index) {
    const std::string shown = readable_name(index.string());
    const nlohmann::json json = read_settings_file(index);
    const auto map = json.find("weight_map");
    if (map == json.end() || !map->is_object() || map->empty()) throw CheckpointError(shown + ": has no weight_map");
    std::set<std::string> names;
    for (const auto& [tensor, file] : map->items()) {
        const std::string name = file.is_string() ? file.get<std::string>() : "";
        const bool is_plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
        if (!is_plain) {
            throw CheckpointError(shown + ": '" + readable_name(file.dump()) +
                                  "' is no plain name of a file in the same folder");
        }
        names.insert(name);
    }
    std::vector<std::filesystem::path> shards;
    for (const std::string& name : names) {
        const std::filesystem::path path = index.parent_path() / name;
        if (!is_file(path)) throw CheckpointError(shown + ": names " + readable_name(name) + ", which is not there");
        shards.push_back(path);
    }
    return shards;
}

/// diffusers' folder, whose network lies in `unet` and its scheduler in `scheduler`.
ModelFiles diffusers_files(const std::filesystem::path& unet, const std::filesystem::path& scheduler) {
    const std::string stem = "diffusion_pytorch_model";
    ModelFiles files;
    files.settings = unet / "config.json";
    files.scheduler = scheduler / "scheduler_config.json";
    files.looked_for = "config.json";
    if (!is_file(files.scheduler)) {
        throw CheckpointError(readable_name(scheduler.string()) + ": no scheduler_config.json with the noise schedule");
    }
    if (is_file(unet / (stem + ".safetensors"))) {
        files.weights = unet / (stem + ".safetensors");
    } else if (is_file(unet / (stem + ".safetensors.index.json"))) {
        files.weights = unet / (stem + ".safetensors.index.json");
        files.shards = shards_of(files.weights);
    } else if (is_file(unet / (stem + ".bin"))) {
        files.weights = unet / (stem + ".bin");
    } else {
        throw CheckpointError(readable_name(unet.string()) + ": no weights: looked for " + stem + ".safetensors, " +
                              stem + ".safetensors.index.json and " + stem + ".bin");
    }
    return files;
}

ModelFiles files_in_folder(const std::filesystem::path& path) {
    if (is_file(path / "unet" / "config.json")) return diffusers_files(path / "unet", path / "scheduler");
    const ModelFiles files{path / "model.safetensors", {}, path / "config.json", {}, "config.json"};
    if (is_file(files.settings) && !is_file(files.weights)) {
        const nlohmann::json settings = read_settings_file(files.settings);
        if (settings.contains("_class_name") || settings.contains("block_out_channels")) {
            return diffusers_files(path, path);
        }
    }
    const std::string shown = readable_name(path.string());
    if (!is_file(files.weights)) {
        throw CheckpointError(shown + ": the folder has no model.safetensors, and is none of diffusers'");
    }
    if (!is_file(files.settings)) {
        throw CheckpointError(shown + ": the folder has no config.json with the model's settings");
    }
    return files;
}

}  // namespace

ModelFiles find_model_files(const std::filesystem::path& path) {
    const std::string shown = readable_name(path.string());
    std::error_code error;
    if (!std::filesystem::exists(path, error)) throw CheckpointError(shown + ": no such file or folder");
    if (std::filesystem::is_directory(path, error)) return files_in_folder(path);
    if (!is_file(path)) throw CheckpointError(shown + ": neither a file nor a folder");

    std::filesystem::path beside = path;
    beside.replace_extension(".json");
    const std::filesystem::path common = path.parent_path() / "config.json";
    ModelFiles files{path, {}, {}, {}, readable_name(beside.filename().string()) + " and config.json"};
    if (is_file(common)) files.settings = common;
    if (is_file(beside)) files.settings = beside;
    return files;
}

}  // namespace pipeline
