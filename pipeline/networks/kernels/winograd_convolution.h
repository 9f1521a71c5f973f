#pragma once

#include <ATen/core/Tensor.h>

namespace pipeline {

/// True where the CPU convolves by `winograd_convolution`: 3×3 kernels of stride 1 and padding 1 in float32, at least 8
/// channels of outputs, on images of at least 16² pixels and C·D/256 (for fewer, the transformed weights would take
/// more memory than they save time), on a processor for which it was compiled. Never for the batch's sake: an image has
/// the same bits in every batch.
bool can_convolve_by_winograd(const at::Tensor& x, const at::Tensor& weight, int stride, int padding,
                              std::int64_t out_channels);

/// The weights [D, C, 3, 3] in the form that `winograd_convolution` reads, twice as many numbers; those of the
/// convolution's adjoint, which is a convolution from D to C channels, if `is_adjoint`.
at::Tensor transformed_weights(const at::Tensor& weight, bool is_adjoint);

/// The convolution of x [N, C, H, W] with zero padding, plus bias [D] and addend [N, D, H, W] where they are defined:
/// [N, D, H, W], in half of the products (winograd_rows.h). On as many threads as LibTorch uses; their number changes
/// no bit.
/// @throws c10::Error  where a shape does not fit, or something is not float32 on the CPU
at::Tensor winograd_convolution(const at::Tensor& x, const at::Tensor& transformed, std::int64_t out_channels,
                                const at::Tensor& bias, const at::Tensor& addend);

}  // namespace pipeline
