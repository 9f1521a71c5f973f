#pragma once

#include <functional>
#include <stdexcept>

#include <ATen/core/Tensor.h>

#include "pipeline/diffusion/timestep.h"

namespace pipeline {

/// What the network says about x_t.
struct Prediction {
    at::Tensor epsilon;            ///< ε_θ(x_t, t), shape of x_t.
    at::Tensor variance_fraction;  ///< v, shape of x_t; undefined where the checkpoint has no learned variance.
};

/// A prediction that can be differentiated: `vjp(w)` = (∂ε/∂x_t)ᵀ w, callable once; it frees what was kept for it.
struct DifferentiablePrediction {
    Prediction prediction;
    std::function<at::Tensor(const at::Tensor& w)> vjp;
};

/// ε_θ(x_t, t): the one thing that samplers ask of a network.
class NoisePredictor {
  public:
    virtual ~NoisePredictor() = default;

    /// @param x_t       [N, C, H, W], float32
    /// The result is part of no graph; nothing is kept for a gradient.
    virtual Prediction predict(const at::Tensor& x_t, const Timestep& timestep) = 0;

    /// As `predict`, and what the gradient with respect to x_t needs is kept until `vjp` is called or dropped.
    virtual DifferentiablePrediction predict_differentiably(const at::Tensor& x_t, const Timestep& timestep) = 0;

    virtual bool has_learned_variance() const = 0;

    /// Sets what all following calls are conditioned on.
    /// @param labels  [N] int64, one class for each row of x_t; undefined for networks without classes
    /// @throws std::invalid_argument  where the network knows no classes, or a label is none of them
    virtual void condition_on(const at::Tensor& labels) {
        if (labels.defined()) throw std::invalid_argument("noise predictor: labels given to one that knows no classes");
    }
};

/// Counts network calls and beats the heart: calls `on_call` before each.
class CountingPredictor final : public NoisePredictor {
  public:
    CountingPredictor(NoisePredictor& inner, std::function<void()> on_call)
        : inner_(inner), on_call_(std::move(on_call)) {}

    Prediction predict(const at::Tensor& x_t, const Timestep& timestep) override {
        count();
        return inner_.predict(x_t, timestep);
    }
    DifferentiablePrediction predict_differentiably(const at::Tensor& x_t, const Timestep& timestep) override {
        count();
        return inner_.predict_differentiably(x_t, timestep);
    }
    bool has_learned_variance() const override { return inner_.has_learned_variance(); }

    /// Network calls of a captured step that is about to be replayed.
    void count_replayed(int calls) {
        for (int call = 0; call < calls; ++call) count();
    }

    /// Number of function evaluations so far: network calls, each for a whole batch.
    int calls() const { return calls_; }

  private:
    void count() {
        ++calls_;
        if (on_call_) on_call_();
    }

    NoisePredictor& inner_;
    std::function<void()> on_call_;
    int calls_ = 0;
};

}  // namespace pipeline
