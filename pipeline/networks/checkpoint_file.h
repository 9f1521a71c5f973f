#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/networks/tensor_file.h"

namespace pipeline {

/// The tensors of a checkpoint file, whatever its format, told apart by its first bytes: safetensors, or a file of
/// `torch.save` (see read_torch_file).
/// @param notes  gets a sentence for what was chosen inside the file
/// @throws CheckpointError  naming the file and the reason
TensorMap read_checkpoint(const std::filesystem::path& path, std::vector<std::string>* notes = nullptr);

/// Names, dtypes and shapes alone, with all the same checks.
TensorHeaders read_checkpoint_headers(const std::filesystem::path& path, std::vector<std::string>* notes = nullptr);

}  // namespace pipeline
