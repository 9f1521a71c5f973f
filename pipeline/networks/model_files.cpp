#include "pipeline/networks/model_files.h"

#include <array>
#include <fstream>
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

/// PyTorch's own container, by its name or its first bytes: a zip archive, or a pickle of protocol 2 and up.
bool is_torch_pickle(const std::filesystem::path& path) {
    const std::string extension = path.extension().string();
    for (const char* known : {".pt", ".pth", ".bin", ".ckpt"}) {
        if (extension == known) return true;
    }
    std::array<unsigned char, 4> start{};
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(start.data()), start.size());
    const bool is_zip = start == std::array<unsigned char, 4>{'P', 'K', 3, 4};
    const bool is_pickle = start[0] == 0x80 && start[1] >= 2 && start[1] <= 5 && (start[2] == 0x8A || start[2] == 0x95);
    return is_zip || is_pickle;
}

}  // namespace

ModelFiles find_model_files(const std::filesystem::path& path) {
    const std::string shown = readable_name(path.string());
    std::error_code error;
    if (!std::filesystem::exists(path, error)) throw CheckpointError(shown + ": no such file or folder");

    if (std::filesystem::is_directory(path, error)) {
        const ModelFiles files{path / "model.safetensors", path / "config.json"};
        if (!is_file(files.weights)) throw CheckpointError(shown + ": the folder has no model.safetensors");
        if (!is_file(files.settings))
            throw CheckpointError(shown + ": the folder has no config.json with the model's settings");
        return files;
    }

    if (!is_file(path)) throw CheckpointError(shown + ": neither a file nor a folder");
    if (is_torch_pickle(path)) {
        throw CheckpointError(shown + ": a PyTorch pickle; safetensors is read: convert it in Python with " +
                              "safetensors.torch.save_file(torch.load(FILE, weights_only=True), NAME)");
    }
    std::filesystem::path beside = path;
    beside.replace_extension(".json");
    const std::filesystem::path common = path.parent_path() / "config.json";
    if (is_file(beside)) return {path, beside};
    if (is_file(common)) return {path, common};
    throw CheckpointError(shown + ": no settings beside it: looked for " + readable_name(beside.filename().string()) +
                          " and config.json in the same folder");
}

}  // namespace pipeline
