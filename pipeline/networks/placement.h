#pragma once

#include <string_view>

#include <c10/core/Device.h>

namespace pipeline {

/// Arithmetic of the network. The sampler's own, x_t, x̂₀ and the residual among it, is float32 always.
enum class Precision {
    float32,   ///< IEEE float32 throughout.
    tf32,      ///< float32 tensors; GPUs multiply with 10 bits of mantissa.
    bfloat16,  ///< Weights and activations; embeddings, statistics of norms, softmax and the last layer in float32.
};

std::string_view to_string(Precision precision);
/// @throws std::invalid_argument  naming the three
Precision parse_precision(std::string_view name);

/// Where a network computes, and how.
struct Placement {
    c10::Device device = c10::kCPU;
    Precision precision = Precision::float32;
};

/// Sets what LibTorch decides for the whole process: on GPUs TF32 only where it is asked for (cuDNN's convolutions take
/// it otherwise), and algorithms that give the same bits every time. Called before a network is made on a GPU.
void set_global_precision(Precision precision);

}  // namespace pipeline
