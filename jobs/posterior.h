#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace jobs {

/// Posterior samples of a block of images, taken in one by one: what they say together, and whether the truth is where
/// they say it is.
///
/// Of n samples x_k of an image: mean m = Σ x_k/n and standard deviation s = √(Σ (x_k − m)²/(n − 1)) of every entry. If
/// truth and samples are draws of one distribution,
/// - the truth's rank among the samples is uniform over 0 … n (Talts et al. 2018, simulation-based calibration), and
/// - for a normal one |truth − m| ≤ t s √(1 + 1/n), with Student's t of n − 1 degrees of freedom at (1 + p)/2, holds
/// with
///   probability p.
/// A sampler that is too sure of itself has the truth at the outer ranks and less than p inside. Memory: five numbers
/// an entry, whatever n is.
class PosteriorSamples {
  public:
    /// @param truth  [N, C, H, W]; undefined where it is not known
    /// @param most_samples  n at most
    PosteriorSamples(const at::Tensor& truth, std::int64_t most_samples);

    /// @param images  one sample of each image, [N, C, H, W]
    /// @param counts  of each image whether this sample is one; where it is not, its values are not looked at
    void add(const at::Tensor& images, const std::vector<bool>& counts);

    const std::vector<std::int64_t>& samples() const { return samples_; }  ///< n of each image.
    /// [N, C, H, W], float32; NaN where n < 2.
    at::Tensor mean() const;
    at::Tensor standard_deviation() const;
    /// The root of the mean of s² over all entries of an image; NaN where n < 2.
    std::vector<double> spread() const;
    /// Share of an image's entries inside the interval of nominal probability p; NaN where n < 2 or without truth.
    std::vector<double> coverage(double p) const;
    /// Share of an image's entries at which the truth has rank 0 … n, [N, most_samples + 1], float64: how many samples
    /// are below it. Where some are equal to it the entry is shared evenly among the ranks that it may have. NaN beyond
    /// n, where n < 2, or without truth.
    at::Tensor ranks() const;

  private:
    /// Of each image 1 where n ≥ 2 and NaN otherwise, [N, 1, 1, 1].
    at::Tensor known() const;

    at::Tensor truth_;  ///< float64, or undefined
    std::int64_t most_samples_;
    std::vector<std::int64_t> samples_;
    at::Tensor n_;              ///< The same, [N, 1, 1, 1], float64
    at::Tensor mean_, square_;  ///< m, and Σ (x_k − m)², float64; undefined before the first sample
    at::Tensor below_, equal_;  ///< How many samples are less than the truth, and equal to it.
};

}  // namespace jobs
