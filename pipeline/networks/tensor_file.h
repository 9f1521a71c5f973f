#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// A checkpoint file that cannot be used: one sentence with the file, what is wrong, and what is expected.
class CheckpointError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The tensors of a checkpoint file by name, as stored (F32, F16, BF16, F64), on the CPU. The tensors may point into a
/// mapping of the file that lives as long as they do.
using TensorMap = std::map<std::string, at::Tensor>;

/// Name and shape of a stored tensor, known without reading its data.
struct TensorHeader {
    std::string dtype;
    std::vector<std::int64_t> shape;
};
using TensorHeaders = std::map<std::string, TensorHeader>;

}  // namespace pipeline
