#pragma once

#include <initializer_list>

#include <ATen/core/Tensor.h>

namespace pipeline {

/// Lets element i of all these images stand at the same place in memory: as they are where they are dense with the same
/// strides, else contiguous copies. Undefined ones are passed over.
inline void give_same_layout(std::initializer_list<at::Tensor*> images) {
    const at::Tensor& first = **images.begin();
    bool is_same = first.is_non_overlapping_and_dense();
    for (const at::Tensor* image : images)
        is_same = is_same && (!image->defined() || image->strides() == first.strides());
    if (is_same) return;
    for (at::Tensor* image : images) {
        if (image->defined()) *image = image->contiguous();
    }
}

}  // namespace pipeline
