#include "pipeline/networks/model_files.h"

#include <string>
#include <system_error>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/tensor_file.h"

namespace pipeline {
namespace {

bool is_file(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error);
}

}  // namespace

ModelFiles find_model_files(const std::filesystem::path& path) {
    const std::string shown = readable_name(path.string());
    std::error_code error;
    if (!std::filesystem::exists(path, error)) throw CheckpointError(shown + ": no such file or folder");

    if (std::filesystem::is_directory(path, error)) {
        const ModelFiles files{path / "model.safetensors", path / "config.json", "config.json"};
        if (!is_file(files.weights)) throw CheckpointError(shown + ": the folder has no model.safetensors");
        if (!is_file(files.settings))
            throw CheckpointError(shown + ": the folder has no config.json with the model's settings");
        return files;
    }

    if (!is_file(path)) throw CheckpointError(shown + ": neither a file nor a folder");
    std::filesystem::path beside = path;
    beside.replace_extension(".json");
    const std::filesystem::path common = path.parent_path() / "config.json";
    ModelFiles files{path, {}, readable_name(beside.filename().string()) + " and config.json"};
    if (is_file(common)) files.settings = common;
    if (is_file(beside)) files.settings = beside;
    return files;
}

}  // namespace pipeline
