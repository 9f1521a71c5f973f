#pragma once

#include <ATen/core/Tensor.h>

namespace pipeline {

/// x [N, C, …] itself where each of its images is dense, as in a part of some channels of a tensor; a dense copy
/// otherwise.
inline at::Tensor with_dense_images(const at::Tensor& x) {
    return x.size(0) > 0 && x.select(0, 0).is_contiguous() ? x : x.contiguous();
}

}  // namespace pipeline
