#pragma once

#include <cstring>

#include <ATen/core/Tensor.h>
#include <ATen/ops/eq.h>

/// True where both hold the same float32 values bit by bit (zeros of either sign told apart), in the same shape.
inline bool has_same_bits(const at::Tensor& a, const at::Tensor& b) {
    if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
    const at::Tensor dense_a = a.contiguous();
    const at::Tensor dense_b = b.contiguous();
    return std::memcmp(dense_a.const_data_ptr(), dense_b.const_data_ptr(),
                       static_cast<std::size_t>(dense_a.nbytes())) == 0;
}
