#include "pipeline/networks/checkpoint_file.h"

#include <array>
#include <cstddef>
#include <fstream>

#include "pipeline/networks/safetensors.h"
#include "pipeline/networks/torch_file.h"

namespace pipeline {
namespace {

bool has_torch_container(const std::filesystem::path& path) {
    std::array<char, 4> start{};
    std::ifstream file(path, std::ios::binary);
    file.read(start.data(), start.size());
    return file.gcount() == start.size() && is_torch_file(std::as_bytes(std::span(start)));
}

}  // namespace

TensorMap read_checkpoint(const std::filesystem::path& path, std::vector<std::string>* notes) {
    return has_torch_container(path) ? read_torch_file(path, notes) : read_safetensors(path);
}

TensorHeaders read_checkpoint_headers(const std::filesystem::path& path, std::vector<std::string>* notes) {
    return has_torch_container(path) ? read_torch_headers(path, notes) : read_safetensors_headers(path);
}

}  // namespace pipeline
