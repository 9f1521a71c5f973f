#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/networks/tensor_file.h"

namespace pipeline {

/// Whether these first bytes of a file are those of PyTorch's own containers: a zip archive, or a pickle.
bool is_torch_file(std::span<const std::byte> start);

/// The state dictionary of a file of `torch.save` (.pt, .pth, .bin, .ckpt), in the zip or the legacy container.
///
/// Nothing in the file is executed: see PickleMachine. Storages are views of the file's mapping where their alignment
/// allows it; tensors may share them, with offsets and strides as saved. A state dictionary that stands under `ema`,
/// `ema_model`, `model`, `state_dict` or `model_state_dict` is taken from there, in this order.
/// @param notes  gets a sentence where one was taken from inside another
/// @throws CheckpointError  naming the file and the reason; of a foreign global its name
TensorMap read_torch_file(const std::filesystem::path& path, std::vector<std::string>* notes = nullptr);

/// The same for a file's bytes in memory, which must outlive the tensors. `name` stands for the file in messages.
TensorMap read_torch_file(std::span<const std::byte> bytes, std::string_view name,
                          std::vector<std::string>* notes = nullptr);

/// Names, dtypes (as safetensors spells them) and shapes alone, with all the same checks.
TensorHeaders read_torch_headers(const std::filesystem::path& path, std::vector<std::string>* notes = nullptr);

}  // namespace pipeline
