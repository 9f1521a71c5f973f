#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "operators/measurement_operator.h"
#include "pipeline/diffusion/noise_predictor.h"
#include "pipeline/samplers/make_sampler.h"

/// The one prior for which the best ε is known: every value of x₀ ~ N(μ, s²), independently. All here is written from
/// the formulas, with its own ᾱ, and shares no code with the samplers.
namespace gaussian_oracle {

struct Prior {
    double mean = 0.2;
    double std = 0.5;
};

/// ᾱ by timestep of the linear schedule with T = 1000.
const std::vector<double>& alpha_bars();

/// E[x₀ | x_t] = μ + gain (x_t − √ᾱ μ), gain = √ᾱ s²/(ᾱ s² + 1 − ᾱ).
struct Estimate {
    double gain = 0;
    double offset = 0;  ///< E[x₀ | x_t] = gain x_t + offset
};
Estimate estimate(const Prior& prior, double alpha_bar);

/// ε(x_t, t) = √(1−ᾱ) (x_t − √ᾱ μ)/(ᾱ s² + 1 − ᾱ), in the precision of x_t.
class Predictor final : public pipeline::NoisePredictor {
  public:
    explicit Predictor(const Prior& prior) : prior_(prior) {}
    /// Predicts this v everywhere, too.
    Predictor(const Prior& prior, double variance_fraction)
        : prior_(prior), has_variance_(true), variance_fraction_(variance_fraction) {}

    pipeline::Prediction predict(const at::Tensor& x_t, const pipeline::Timestep& timestep) override;
    pipeline::DifferentiablePrediction predict_differentiably(const at::Tensor& x_t,
                                                              const pipeline::Timestep& timestep) override;
    bool has_learned_variance() const override { return has_variance_; }

    int differentiable_calls() const { return differentiable_calls_; }

  private:
    Prior prior_;
    bool has_variance_ = false;
    double variance_fraction_ = 0;
    int differentiable_calls_ = 0;
};

/// A x = factor · x.
class Scaling final : public operators::LinearOperator {
  public:
    Scaling(double factor, const operators::Shape& shape) : LinearOperator("scaling", shape, shape), factor_(factor) {}

  private:
    at::Tensor apply_forward(const at::Tensor& x) const override { return x.mul(factor_); }
    at::Tensor apply_adjoint(const at::Tensor& y) const override { return y.mul(factor_); }
    double factor_;
};

/// Another source's normals as images of one value, [N·C·H·W, 1, 1, 1]: many rows without a key for each.
class OneValueNoise final : public pipeline::NoiseSource {
  public:
    OneValueNoise(const pipeline::NoiseSource& inner, at::ScalarType type) : inner_(inner), type_(type) {}
    at::Tensor normal(operators::Purpose purpose, int level, int inner) const override;

  private:
    const pipeline::NoiseSource& inner_;
    at::ScalarType type_;
};

/// Keyed normals for `count` images, numbered from 0.
pipeline::KeyedNoise keyed_noise(std::int64_t count, const operators::Shape& shape, std::uint64_t seed = 1);

/// Mean and variance of one value of a state, and what an affine step makes of them.
struct Moments {
    double mean = 0;
    double variance = 1;
    /// x ← a x + b + c z
    void step(double a, double b, double c) {
        mean = a * mean + b;
        variance = a * a * variance + c * c;
    }
};

/// Fails unless mean and variance over all values of x are those expected, within 4 standard errors.
void expect_moments(const at::Tensor& x, const Moments& expected, std::string_view what);

/// One ancestral step as an affine map of x_t: the product of N(x_{t−1}; √ᾱ' x̂₀, 1−ᾱ') and N(x_t; √α x_{t−1}, 1−α).
struct Ancestral {
    double a = 0, b = 0;  ///< Mean a x_t + b.
    double small = 0;     ///< Variance of the product: β̃.
    double large = 0;     ///< β = 1 − α.
};
/// @param alpha_bar_previous  ᾱ', 1 at the last step
Ancestral ancestral(const Prior& prior, double alpha_bar, double alpha_bar_previous);

}  // namespace gaussian_oracle
