#pragma once

namespace pipeline {

/// What a network's layers are computed with. Everything is on; benchmarks switch parts off to see what each of them
/// gains. Of the whole process.
struct KernelChoice {
    bool channels_last = true;  ///< Layout of images and weights on a GPU; taken when a network is made.
    bool fused_norm = true;     ///< Norm and SiLU in one operation.
    bool frozen_convolution =
        true;              ///< One that keeps nothing for weights' gradients; else LibTorch's, where a graph is made.
    bool winograd = true;  ///< 3×3 convolutions on the CPU in half of the products.
};

inline KernelChoice& kernel_choice() {
    static KernelChoice choice;
    return choice;
}

}  // namespace pipeline
