#pragma once

#include <cstdint>
#include <span>

namespace pipeline {

/// What a 3×3 convolution of zero-padded images works on: x [images, in_channels, height, width] → y [images,
/// out_channels, height, width].
struct WinogradShape {
    std::int64_t images = 0;
    std::int64_t in_channels = 0;
    std::int64_t out_channels = 0;
    std::int64_t height = 0;
    std::int64_t width = 0;
    std::int64_t image_stride =
        0;  ///< From an image of x to the next: in_channels·height·width, or more in a part of a tensor.

    /// Four rows of outputs are computed together: the pieces of an image that the work is cut into.
    std::int64_t bands() const { return (height + 3) / 4; }
};

/// Where its numbers lie. `addend` [images, out_channels, height, width] is added to y, `bias` [out_channels] too;
/// either may be null.
struct WinogradPlaces {
    const float *x, *weights, *bias, *addend;
    float* y;
};

/// The convolution, compiled for one kind of processor, by Winograd's minimal filtering down the columns: four rows of
/// outputs from six of inputs, F(4, 3), hence half of the products.
///
/// With the points 0, ±3/4, ±3/2 and ∞: y = Aᵀ Σ_c Σ_dx (G g) ⊙ (Bᵀ x), where g is a column of the kernel; Lavin and
/// Gray, Fast Algorithms for Convolutional Neural Networks (2016), section 4.1, in one dimension. These points lose
/// least in float32 of those that float32 holds exactly: the error is 1.3 times that of products summed up one by one.
///
/// Takes the bands first … last − 1 of all images·bands() of them. The sum of each output has one order, whatever the
/// processor's vectors, the batch and the threads are, so that all of them compute the same bits.
struct WinogradKernel {
    const char* processor;
    bool is_usable;  ///< This machine's processor has the instructions.
    void (*convolve)(const WinogradShape&, const WinogradPlaces&, std::int64_t first, std::int64_t last);
};

/// All that were compiled, in order of speed; none on processors other than x86-64.
std::span<const WinogradKernel> winograd_kernels();

/// Numbers of the transformed weights.
std::int64_t winograd_weight_count(std::int64_t in_channels, std::int64_t out_channels);

/// G g of every column of the kernels, in the order in which they are used: [out_channels/8, 6, in_channels, 3, 8],
/// filled up with zeros. Computed in double.
/// @param weight      [out_channels, in_channels, 3, 3]
/// @param is_adjoint  of the convolution's adjoint: weight is [in_channels, out_channels, 3, 3], and both axes are
/// turned
void transform_winograd_weights(const float* weight, std::int64_t in_channels, std::int64_t out_channels,
                                bool is_adjoint, float* transformed);

}  // namespace pipeline
