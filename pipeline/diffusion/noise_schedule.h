#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace pipeline {

/// The variance of q(x_{t−1} | x_t) that an ancestral step samples with; see algorithms of Ho et al. 2020, section 3.2,
/// and Nichol & Dhariwal 2021, eq. 15.
enum class VarianceKind { fixed_small, fixed_large, learned_range };

std::string_view to_string(VarianceKind kind);
/// @throws std::invalid_argument  naming the three.
VarianceKind parse_variance(std::string_view name);

/// β, α, ᾱ and the posterior of q(x_{t−1} | x_t, x_0) for a chain of steps i = 0 (least noisy) … size()−1, in double.
///
/// A respaced schedule is a schedule like any other: its β come from quotients of ᾱ over the retained timesteps, and
/// `timestep(i)` says which timestep of the checkpoint's own scale step i is.
class NoiseSchedule {
  public:
    /// β linear from 1e-4·s to 0.02·s, s = 1000/T (Ho et al. 2020; openai/guided-diffusion's `linear`).
    static NoiseSchedule linear(int steps);
    /// β linear from `first` to `last`.
    static NoiseSchedule linear(int steps, double first, double last);
    /// √β linear from √first to √last (Rombach et al. 2022; diffusers' `scaled_linear`).
    static NoiseSchedule scaled_linear(int steps, double first, double last);
    /// β = first + (last − first)/(1 + e^(−u)), u linear from −6 to 6 (Xu et al. 2022, GeoDiff; diffusers' `sigmoid`).
    static NoiseSchedule sigmoid(int steps, double first, double last);
    /// ᾱ = cos²((t/T + 0.008)/1.008 · π/2), β ≤ 0.999 (Nichol & Dhariwal 2021, eq. 17).
    static NoiseSchedule cosine(int steps);
    /// @throws std::invalid_argument  unless every β is in (0, 1].
    static NoiseSchedule from_betas(std::vector<double> betas);

    /// The chain that keeps only these timesteps (ascending): β'_i = 1 − ᾱ_{τ_i}/ᾱ_{τ_{i−1}}.
    NoiseSchedule respaced(const std::vector<int>& timesteps) const;

    int size() const { return static_cast<int>(betas_.size()); }
    /// The length T of the checkpoint's own chain, also after respacing.
    int original_size() const { return original_size_; }
    /// Timestep of step i on the checkpoint's scale 0 … T−1: what the network is asked with.
    int timestep(int i) const { return timesteps_[i]; }
    const std::vector<int>& timesteps() const { return timesteps_; }

    double beta(int i) const { return betas_[i]; }
    double alpha(int i) const { return 1.0 - betas_[i]; }
    double alpha_bar(int i) const { return alpha_bars_[i]; }
    /// ᾱ_{i−1}; 1 for i = 0.
    double alpha_bar_previous(int i) const { return i == 0 ? 1.0 : alpha_bars_[i - 1]; }
    /// σ_i = √((1 − ᾱ)/ᾱ), the noise level in variance-exploding coordinates.
    double sigma(int i) const;

    /// c₁ of the posterior mean c₁ x₀ + c₂ x_t: β √ᾱ_{i−1}/(1 − ᾱ).
    double posterior_mean_x0(int i) const;
    /// c₂: (1 − ᾱ_{i−1}) √α/(1 − ᾱ).
    double posterior_mean_xt(int i) const;
    /// β̃ = β (1 − ᾱ_{i−1})/(1 − ᾱ); 0 for i = 0.
    double posterior_variance(int i) const;
    /// log β̃, where entry 0 repeats entry 1 (log β₀ for a chain of one step, which has no entry 1).
    double posterior_log_variance_clipped(int i) const;
    /// log of [β̃₁, β₁, β₂, …].
    double log_variance_fixed_large(int i) const;

  private:
    NoiseSchedule(std::vector<double> betas, std::vector<int> timesteps, int original_size);

    std::vector<double> betas_;
    std::vector<double> alpha_bars_;
    std::vector<int> timesteps_;
    int original_size_ = 0;
};

/// Which timesteps of a chain of T steps a request keeps, ascending, as openai/guided-diffusion's `space_timesteps`:
/// "250" evenly; "10,15,20" (or "10+15+20" in job files) so many from each of three equal sections; "ddim50" with one
/// integer stride. Other grids of the field: "leading50" (k ⌊T/N⌋, plus an offset: "leading50+1"), "linspace50" (both
/// ends) and "trailing50" (from the last timestep down) as diffusers' schedulers make them, "quadratic50" (Song et al.
/// 2021, DDIM, appendix D.2, with its code's √(0.8 T)). Positions are a running double sum of strides, rounded half to
/// even.
/// @throws std::invalid_argument  where a section has fewer steps than wanted, or no stride gives the count.
std::vector<int> space_timesteps(int steps, std::string_view request);

}  // namespace pipeline
