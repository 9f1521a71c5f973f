#include <cstdint>
#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include <ATen/core/Tensor.h>

#include "pipeline/networks/readable_name.h"
#include "pipeline/networks/safetensors.h"

namespace pipeline {

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors) {
    // The header, padded with spaces so that the buffer starts at a multiple of 8.
    nlohmann::json header = nlohmann::json::object();
    std::uint64_t position = 0;
    for (const auto& [name, tensor] : tensors) {
        const std::uint64_t end = position + static_cast<std::uint64_t>(tensor.numel()) * sizeof(float);
        header[name] = {{"dtype", "F32"}, {"shape", tensor.sizes().vec()}, {"data_offsets", {position, end}}};
        position = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');

    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    for (int i = 0; i < 8; ++i) file.put(static_cast<char>((text.size() >> (8 * i)) & 0xFFU));
    file << text;
    for (const auto& [name, tensor] : tensors) {
        const at::Tensor values = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
        file.write(static_cast<const char*>(values.const_data_ptr()), static_cast<std::streamsize>(values.nbytes()));
    }
    if (!file.flush()) throw CheckpointError(readable_name(path.string()) + ": cannot be written");
}

}  // namespace pipeline
