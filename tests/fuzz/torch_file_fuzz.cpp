// libFuzzer on the reader of torch.save's files: any bytes are read or refused with CheckpointError, and what was read
// lies inside the file.
#include <cstddef>
#include <cstdint>
#include <span>

#include <ATen/TensorOperators.h>

#include "pipeline/networks/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        for (const auto& [name, tensor] : pipeline::read_torch_file(std::as_bytes(std::span(data, size)), "input")) {
            if (tensor.numel() > 0) static_cast<void>(tensor.to(at::kFloat).sum().item<float>());
        }
    } catch (const pipeline::CheckpointError&) {
    }
    return 0;
}
