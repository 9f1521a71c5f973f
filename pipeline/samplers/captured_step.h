#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "pipeline/samplers/sampler.h"
#include "pipeline/samplers/step_graph.h"

namespace pipeline {

/// One level of a sampler as its device recorded it, with the tensors that it reads and writes: replayed level by
/// level, and again for other units once their tensors have been written over its own.
class CapturedStep {
  public:
    /// Records the sampler's step, which is not carried out.
    /// @param state  as a level finds it; the shape of its x_t is the record's
    /// @param owner  of what the sampler's tensors belong to
    /// @throws std::exception  where the device refuses
    CapturedStep(std::unique_ptr<StepGraph> graph, const Sampler& sampler, const Level& level,
                 const SamplerState& state, std::shared_ptr<const void> owner);
    ~CapturedStep();
    CapturedStep(const CapturedStep&) = delete;
    CapturedStep& operator=(const CapturedStep&) = delete;

    /// Makes it the step of another sampler with the same settings.
    /// @return false where tensors differ in number or shape: then nothing has been changed
    bool take_over(const Sampler& sampler);
    /// The next replay is this level's and begins with this x_t; all rows count as finite.
    void begin(const Level& level, const at::Tensor& x_t);
    /// One level down.
    void replay();

    const at::Tensor& x_t() const { return x_t_; }  ///< Written by every replay.
    /// [N]: rows of which every x_t since `begin` was finite.
    const at::Tensor& are_finite() const { return are_finite_; }

  private:
    std::shared_ptr<const void> owner_;
    std::vector<at::Tensor> tensors_;
    at::Tensor x_t_, step_, are_finite_;
    std::unique_ptr<StepGraph> graph_;  ///< Goes before the tensors do.
};

/// Which rows of x [N, C, H, W] hold nothing but finite values, [N], on the device.
at::Tensor finite_rows(const at::Tensor& x);

}  // namespace pipeline
