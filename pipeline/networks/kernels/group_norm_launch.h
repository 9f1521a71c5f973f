#pragma once

#include <cuda_runtime_api.h>

#include "pipeline/networks/kernels/group_norm_layout.h"

namespace pipeline {

/// How the values of images are stored; 16 bytes hold 4 or 8 of them.
enum class ImageType { float32, bfloat16 };

constexpr int channels_in_16_bytes(ImageType type) {
    return type == ImageType::float32 ? 4 : 8;
}

/// Device memory of `launch_group_norm_silu`: x and y [images, pixels, channels] from addresses that are multiples of
/// 16; weight and bias [channels] or [images, channels]; mean and rstd [images, groups]; partial as many values as
/// GroupNormLayout::partial_count says.
struct GroupNormBuffers {
    const void* x;
    const float* weight;
    const float* bias;
    void* y;
    float* mean;
    float* rstd;
    float* partial;
};

/// y = SiLU(w ⊙ (x − μ)/√(σ² + ε) + b) on the GPU, without SiLU where `has_silu` is false; leaves μ and 1/√(σ² + ε) in
/// mean and rstd. Two kernels, three passes over the images; sums are float32 in a fixed order.
/// @return cudaErrorInvalidValue where `is_supported` is false, else what the launches said
cudaError_t launch_group_norm_silu(const GroupNormBuffers& buffers, ImageType type, const GroupNormShape& shape,
                                   float epsilon, bool has_silu, cudaStream_t stream);

/// Device memory of `launch_group_norm_silu_vjp`, as above; gradient and dx as x.
struct GroupNormVjpBuffers {
    const void* gradient;
    const void* x;
    const float* mean;
    const float* rstd;
    const float* weight;
    const float* bias;
    void* dx;
    float* partial;
};

/// dx for frozen weight and bias: with x̂ = (x − μ) rstd, z = w x̂ + b and g = w ⊙ SiLU'(z) ⊙ gradient,
/// dx = rstd (g − mean(g) − x̂ mean(g x̂)), means over each group of each image. Two kernels, five passes.
/// @return as `launch_group_norm_silu`
cudaError_t launch_group_norm_silu_vjp(const GroupNormVjpBuffers& buffers, ImageType type, const GroupNormShape& shape,
                                       bool has_silu, cudaStream_t stream);

}  // namespace pipeline
