#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/shape.h"

namespace operators {

/// What a random number is for. The numbers are part of every result: never renumber, only add.
enum class Purpose : std::uint32_t {
    start = 1,        ///< x_T, where a chain starts from pure noise.
    step = 2,         ///< The noise of a sampling step.
    guide = 3,        ///< The noise that takes an image up to a level (SDEdit).
    measurement = 4,  ///< η in y = A(x) + η.
    mask = 5,         ///< Which pixels are removed.
    kernel = 6,       ///< A drawn blur kernel.
    counts = 7,       ///< Photon counts of Poisson noise.
    bootstrap = 8,    ///< Resamples of a report's intervals.
};

/// Where one field of random numbers stands: a pure function of this and the seed gives every element.
struct NoiseKey {
    Purpose purpose;
    std::uint64_t image = 0;   ///< The image's number in its dataset; `no_image` where images are generated.
    std::uint32_t sample = 0;  ///< Which posterior sample, or which generated image.
    std::uint32_t level =
        0;  ///< The timestep on the checkpoint's scale (the level's number, for grids that have none).
    std::uint32_t inner = 0;  ///< Step within a level, or repeat.
};

inline constexpr std::uint64_t no_image = ~std::uint64_t{0};

/// Keyed random numbers: Philox4x32-10 (Salmon et al., SC 2011) as a function of (seed, purpose, image, sample, level,
/// inner, element). It has no state, so nothing depends on order, batch, worker or restart.
///
/// Element e of a field is lane e mod 4 of block ⌊e/4⌋. Normals are Box–Muller pairs in double with our own polynomials
/// and no fused operation, so that a CPU and a GPU compute the same bits (see kernels/philox.h).
class NoiseStream {
  public:
    explicit NoiseStream(std::uint64_t seed) : seed_(seed) {}

    std::uint64_t seed() const { return seed_; }

    /// Fills `out` with standard normals, elements 0 … out.size()−1 of the key's field.
    void normal(const NoiseKey& key, std::span<float> out) const;

    /// Fills `out` with uniforms in [0, 1), 32 random bits each.
    void uniform(const NoiseKey& key, std::span<double> out) const;

    /// Standard normals [N, C, H, W], float32, on `device`: row i is the field of key with image = images[i].
    at::Tensor normal(NoiseKey key, std::span<const std::uint64_t> images, const Shape& shape,
                      at::Device device = at::kCPU) const;

  private:
    std::uint64_t seed_;
};

}  // namespace operators
