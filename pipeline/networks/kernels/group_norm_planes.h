#pragma once

#include <cstdint>
#include <span>

namespace pipeline {

/// What the CPU's group norm works on: images [images, channels, pixels], each channel a plane, channels in groups. The
/// channels of a group lie side by side, so that a group is one run of numbers, which stays in a core's cache.
struct GroupNormPlanes {
    std::int64_t images = 0;
    std::int64_t channels = 0;
    std::int64_t pixels = 0;
    std::int64_t groups = 0;
    bool has_own_weights = false;  ///< weight and bias [images, channels] instead of [channels]
    bool has_silu = false;
    double epsilon = 0;
    std::int64_t gradient_stride = 0;  ///< From an image of the gradient of y to the next: any; 0 where all are one.

    std::int64_t in_group() const { return channels / groups; }
    /// Of group 0 … images·groups − 1: where its first channel's weight is.
    std::int64_t first_weight(std::int64_t group) const {
        return (has_own_weights ? group : group % groups) * in_group();
    }
};

/// Where the numbers of a norm lie: x and y [images, channels, pixels]; mean and rstd [images, groups].
struct GroupNormForward {
    const float *x, *weight, *bias;
    float *y, *mean, *rstd;
};

/// Where the numbers of its gradient lie; `gradient` is of y, with gradient_stride, dx of x.
struct GroupNormBackward {
    const float *gradient, *x, *mean, *rstd, *weight, *bias;
    float* dx;
};

/// The group norm with SiLU and its gradient, compiled for one kind of processor.
///
/// z = w (x − μ)/√(σ² + ε) + b and y = z s(z), where s(z) = 1/(1 + e^−z), or y = z without SiLU; Wu and He, Group
/// Normalization (2018), equations 1 and 2. The gradient, with d = w s (1 + z (1 − s)) g and x̂ = (x − μ)/√(σ² + ε), is
/// dx = (d − mean(d) − x̂ mean(d x̂))/√(σ² + ε), the means over a group.
///
/// Each takes the groups first … last − 1 of all images·groups of them. Sums have 16 lanes and one order, whatever the
/// processor's vectors are, so that all kinds compute the same bits.
struct GroupNormKernels {
    const char* processor;
    bool is_usable;  ///< This machine's processor has the instructions.
    void (*forward)(const GroupNormPlanes&, const GroupNormForward&, std::int64_t first, std::int64_t last);
    void (*backward)(const GroupNormPlanes&, const GroupNormBackward&, std::int64_t first, std::int64_t last);
};

/// All that were compiled, the plainest first. The last usable one is the fastest here.
std::span<const GroupNormKernels> group_norm_kernels();

}  // namespace pipeline
